#include "source/consul/catalog_routes.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "weir/string_matcher.h"

namespace weir::consul {
namespace {

namespace route = envoy::config::route::v3;

bool isVisible(char c) { return c > ' ' && c < 0x7f; }

// What somebody else wrote, for one line.
std::string quoted(std::string_view text) {
  constexpr size_t kMost = 100;
  std::string line(text.substr(0, kMost));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return !isVisible(c); }, '?');
  return "'" + line + "'";
}

// Null: it is one.
const char* whyNoPrefix(std::string_view text) {
  if (!text.starts_with('/')) return "expected a path that begins with a slash";
  if (!std::all_of(text.begin(), text.end(), isVisible)) {
    return "expected a path without blanks, of ASCII: escape the rest with %";
  }
  if (text.find_first_of("?#*") != text.npos) {
    return "expected a path alone, without a query or wildcards: all below it is meant";
  }
  return text.find("//") != text.npos ? "expected no two slashes in a row" : nullptr;
}

bool isPort(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == text.npos;
}

// Null: it is one. What router::Domains takes, but no address of IPv6.
const char* whyNoDomain(std::string_view text) {
  constexpr size_t kMost = 255;
  constexpr const char* kExpected =
      "expected a domain, such as orders.example.com, *.example.com, orders.* or *, which may have "
      "a port";
  if (text == "*") return nullptr;
  if (const size_t colon = text.find(':'); colon != text.npos) {
    if (!isPort(text.substr(colon + 1))) return kExpected;
    text = text.substr(0, colon);
  }
  if (text.starts_with('*')) {
    text.remove_prefix(1);
    if (!text.starts_with('.') && !text.starts_with('-')) return kExpected;
    text.remove_prefix(1);
  } else if (text.ends_with(".*")) {
    text.remove_suffix(2);
  }
  const auto isLegal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (text.empty() || text.size() > kMost || text.starts_with('.') || text.ends_with('.') ||
      text.find("..") != text.npos || !std::all_of(text.begin(), text.end(), isLegal)) {
    return kExpected;
  }
  return nullptr;
}

// What one instance asks for.
class Asking {
 public:
  explicit Asking(Wishes& all) : all_(all) {}

  void ask(std::string_view setting, std::string_view value) {
    std::string what = std::string(setting) + " " + quoted(value);
    const char* wrong = nullptr;
    if (setting == "prefix") {
      wrong = whyNoPrefix(value);
      if (value.size() > 1 && value.ends_with('/')) value.remove_suffix(1);
      prefixes_.emplace(value);
    } else if (setting == "host") {
      wrong = whyNoDomain(value);
      hosts_.insert(asciiLower(value));
    } else {
      what = quoted(setting);
      wrong = "expected prefix or host";
    }
    if (wrong == nullptr) return;
    readable_ = false;
    all_.refused.insert("weir.route." + what + ": " + wrong);
  }

  void finish() {
    if (!readable_ || (hosts_.empty() && prefixes_.empty())) return;
    if (hosts_.empty()) hosts_.insert("*");
    if (prefixes_.empty()) prefixes_.insert("/");
    for (const std::string& host : hosts_) {
      for (const std::string& prefix : prefixes_) all_.routes.insert({host, prefix});
    }
  }

 private:
  Wishes& all_;
  std::set<std::string> hosts_, prefixes_;
  bool readable_ = true;
};

// Of what a wish asks for, how much a route takes that stands before it.
enum class Takes { NotAll, Same, More };

// What a route of the base takes, if it asks for nothing but how the path begins.
class TakenPrefix {
 public:
  explicit TakenPrefix(const route::RouteMatch& match)
      : separated_(match.has_path_separated_prefix()),
        any_case_(match.has_case_sensitive() && !match.case_sensitive().value()) {
    route::RouteMatch conditions = match;
    conditions.clear_path_specifier();
    conditions.clear_case_sensitive();
    if (conditions.ByteSizeLong() != 0 || (!separated_ && !match.has_prefix())) return;
    prefix_ = separated_ ? match.path_separated_prefix() : match.prefix();
    if (prefix_.empty()) prefix_ = "/";
    if (any_case_) prefix_ = asciiLower(prefix_);
  }

  Takes of(const std::string& wish) const {
    if (prefix_.empty()) return Takes::NotAll;
    const std::string path = any_case_ ? asciiLower(wish) : wish;
    if (path == prefix_) return Takes::Same;
    if (!path.starts_with(prefix_)) return Takes::NotAll;
    return !separated_ || path[prefix_.size()] == '/' ? Takes::More : Takes::NotAll;
  }

 private:
  std::string prefix_;  // empty: it depends on more
  const bool separated_, any_case_;
};

// Before which route of `base` one for `prefix` goes. Nothing: it is there already.
std::optional<size_t> placeIn(const std::vector<TakenPrefix>& base, const std::string& prefix) {
  size_t place = base.size();
  for (size_t i = 0; i < base.size(); ++i) {
    const Takes takes = base[i].of(prefix);
    if (takes == Takes::Same) return std::nullopt;
    if (takes == Takes::More) place = std::min(place, i);
  }
  return place;
}

route::Route routeTo(const ServiceWishes& service, const std::string& prefix) {
  route::Route made;
  made.set_name(service.service);
  made.mutable_route()->set_cluster(service.cluster);
  // One that ends with a slash can be no path_separated_prefix.
  if (prefix == "/") {
    made.mutable_match()->set_prefix(prefix);
  } else {
    made.mutable_match()->set_path_separated_prefix(prefix);
  }
  return made;
}

// "services 'a', 'b'"
std::string listOf(const std::vector<const ServiceWishes*>& services) {
  std::string list = services.size() == 1 ? "service " : "services ";
  for (const ServiceWishes* each : services) {
    if (each != services.front()) list += ", ";
    list += quoted(each->service);
  }
  return list;
}

struct LongestFirst {
  bool operator()(const std::string& a, const std::string& b) const {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  }
};
using ByPrefix = std::map<std::string, std::vector<const ServiceWishes*>, LongestFirst>;

class Merging {
 public:
  Merging(const std::string& name, const route::RouteConfiguration* base) {
    if (base != nullptr) merged_.config = *base;
    merged_.config.set_name(name);
    for (route::VirtualHost& host : *merged_.config.mutable_virtual_hosts()) {
      for (const std::string& domain : host.domains()) hosts_.emplace(asciiLower(domain), &host);
    }
  }

  void refuse(const ServiceWishes& service, const std::string& why) {
    merged_.problems.insert("service " + quoted(service.service) + ": " + why);
  }

  // Once for each.
  void addHost(const std::string& domain, const ByPrefix& wishes) {
    const auto found = hosts_.find(domain);
    route::VirtualHost* host = found == hosts_.end() ? nullptr : found->second;
    std::vector<TakenPrefix> base;
    if (host != nullptr) {
      for (const route::Route& each : host->routes()) base.emplace_back(each.match());
    }
    Granted granted;
    for (const auto& [prefix, services] : wishes) {
      const std::string what =
          "route " + domain + prefix + ": " + listOf(services) +
          (services.size() == 1 ? " asks for it, but " : " ask for it, so none of them gets it");
      const auto place = placeIn(base, prefix);
      if (services.size() != 1) {
        merged_.problems.insert(what);
      } else if (!place) {
        merged_.problems.insert(what + "the route configuration has it already");
      } else {
        granted[*place].push_back(routeTo(*services.front(), prefix));
        merged_.clusters.insert(services.front()->cluster);
      }
    }
    if (!granted.empty()) insert(granted, hostOfItsOwn(domain, host));
  }

  MergedRoutes take() && { return std::move(merged_); }

 private:
  // By the route of the base that they go before.
  using Granted = std::map<size_t, std::vector<route::Route>>;

  // What other domains have is not changed.
  route::VirtualHost& hostOfItsOwn(const std::string& domain, route::VirtualHost* host) {
    if (host != nullptr && host->domains_size() == 1) return *host;
    route::VirtualHost& made = *merged_.config.add_virtual_hosts();
    if (host != nullptr) {
      made = *host;
      auto& domains = *host->mutable_domains();
      domains.erase(
          std::remove_if(domains.begin(), domains.end(),
                         [&](const std::string& each) { return asciiLower(each) == domain; }),
          domains.end());
    }
    made.set_name("consul/" + domain);
    made.clear_domains();
    made.add_domains(domain);
    return made;
  }

  static void insert(const Granted& granted, route::VirtualHost& host) {
    google::protobuf::RepeatedPtrField<route::Route> base;
    base.Swap(host.mutable_routes());
    auto next = granted.begin();
    for (size_t place = 0;; ++place) {
      if (next != granted.end() && next->first == place) {
        for (const route::Route& each : (next++)->second) *host.add_routes() = each;
      }
      if (place == static_cast<size_t>(base.size())) return;
      host.add_routes()->Swap(&base[static_cast<int>(place)]);
    }
  }

  MergedRoutes merged_;
  std::map<std::string, route::VirtualHost*> hosts_;  // by domain; of the base
};

}  // namespace

Wishes wishesOf(const std::vector<Instance>& instances) {
  constexpr std::string_view kTag = "weir.route.", kMeta = "weir-route-";
  Wishes all;
  for (const Instance& instance : instances) {
    Asking asking(all);
    for (const std::string_view tag : instance.tags) {
      if (!tag.starts_with(kTag)) continue;
      const size_t equals = std::min(tag.find('='), tag.size());
      asking.ask(tag.substr(kTag.size(), equals - kTag.size()),
                 tag.substr(std::min(equals + 1, tag.size())));
    }
    for (const auto& [key, value] : instance.meta) {
      if (key.starts_with(kMeta)) asking.ask(std::string_view(key).substr(kMeta.size()), value);
    }
    asking.finish();
  }
  return all;
}

MergedRoutes mergeRoutes(const std::string& name, const route::RouteConfiguration* base,
                         const std::vector<const ServiceWishes*>& services) {
  Merging merging(name, base);
  std::map<std::string, ByPrefix> wishes;  // by host
  for (const ServiceWishes* service : services) {
    for (const std::string& why : service->wishes.refused) merging.refuse(*service, why);
    for (const Wishes::Route& each : service->wishes.routes) {
      wishes[each.host][each.prefix].push_back(service);
    }
  }
  for (const auto& [domain, by_prefix] : wishes) merging.addHost(domain, by_prefix);
  return std::move(merging).take();
}

}  // namespace weir::consul
