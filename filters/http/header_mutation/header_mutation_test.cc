#include "test/harness/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::filters::header_mutation {
namespace {

using test::Exchange;
using test::FieldList;
using test::filter;

constexpr char kPackage[] =
    "\"@type\": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.";

// As YAML flow, so that levels differ in one line.
std::string mutations(const char* message, std::string_view lists) {
  return kPackage + std::string(message) + "\nmutations: {" + std::string(lists) + "}\n";
}
test::Config mutation(std::string_view lists) { return filter(mutations("HeaderMutation", lists)); }
std::string routeLevel(std::string_view lists) {
  return mutations("HeaderMutationPerRoute", lists);
}
std::string get(std::string_view target, std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nhost: a.test\r\n" + std::string(fields) +
         "\r\n";
}
std::string set(const char* name, const char* value, const char* more = "") {
  return std::string("{append: {header: {key: ") + name + ", value: \"" + value + "\"}" + more +
         "}}";
}

std::string upstreamTarget(Exchange& x) {
  const std::string& head = x.originSaw().head;
  return head.substr(4, head.find('\n') - 4);
}

TEST(HeaderMutation, AppendsReplacesAndAdds) {
  Exchange x{mutation("request_mutations: [" + set("x-a", "2") + "," +
                      set("x-b", "2", ", append_action: ADD_IF_ABSENT") + "," +
                      set("x-c", "2", ", append_action: OVERWRITE_IF_EXISTS_OR_ADD") + "," +
                      set("x-d", "2", ", append_action: OVERWRITE_IF_EXISTS") + "]")};
  x.request(get("/", "x-a: 1\r\nx-b: 1\r\nx-c: 1\r\nx-c: 0\r\nx-d: 1\r\n"));
  EXPECT_EQ(x.upstreamHeader("x-a"), "1,2");
  EXPECT_EQ(x.upstreamHeader("x-b"), "1");
  EXPECT_EQ(x.upstreamHeader("x-c"), "2");
  EXPECT_EQ(x.upstreamHeader("x-d"), "2");
  x.request(get("/"));
  EXPECT_EQ(x.upstreamHeader("x-a"), "2");
  EXPECT_EQ(x.upstreamHeader("x-b"), "2");
  EXPECT_EQ(x.upstreamHeader("x-c"), "2");
  EXPECT_EQ(x.upstreamHeader("x-d"), "");
}

TEST(HeaderMutation, TheOldAppendFieldStillCounts) {
  Exchange x{mutation("request_mutations: [" + set("x-a", "2", ", append: false") + "," +
                      set("x-b", "2", ", append: true") + "]")};
  x.request(get("/", "x-a: 1\r\nx-b: 1\r\n"));
  EXPECT_EQ(x.upstreamHeader("x-a"), "2");
  EXPECT_EQ(x.upstreamHeader("x-b"), "1,2");
}

TEST(HeaderMutation, RemovesByNameAndByPattern) {
  Exchange x{mutation(
      "request_mutations: [{remove: x-a}, {remove_on_match: {key_matcher: {prefix: x-rm}}}]")};
  x.request(get("/", "x-a: 1\r\nx-rm-1: 1\r\nx-rm-2: 1\r\nx-keep: 1\r\nx-rm-1: 2\r\n"));
  EXPECT_EQ(x.upstreamHeader("x-a"), "");
  EXPECT_EQ(x.upstreamHeader("x-rm-1"), "");
  EXPECT_EQ(x.upstreamHeader("x-rm-2"), "");
  EXPECT_EQ(x.upstreamHeader("x-keep"), "1");
}

TEST(HeaderMutation, ValuesHaveOperators) {
  Exchange x{mutation("request_mutations: [" + set("x-line", "%REQ(:method)% %REQ(x-a)% 100%%") +
                      "," + set("x-empty", "%REQ(none)%") + "," +
                      set("x-kept", "%REQ(none)%", ", keep_empty_value: true") +
                      "],"
                      "response_mutations: [" +
                      set("x-code", "%RESPONSE_CODE% %RESP(x-orig)% %REQ(x-a)%") +
                      ", {remove: x-orig}]")};
  x.origin({202, {{"x-orig", "o"}}});
  x.request(get("/", "x-a: A\r\n"));
  EXPECT_EQ(x.upstreamHeader("x-line"), "GET A 100%");
  EXPECT_EQ(x.originSaw().head.find("x-empty"), std::string::npos);
  EXPECT_NE(x.originSaw().head.find("x-kept: \n"), std::string::npos);
  EXPECT_EQ(x.field("x-code"), "202 o A");
  EXPECT_FALSE(x.response().has("x-orig"));
}

TEST(HeaderMutation, AlsoChangesRepliesOfOurOwn) {
  Exchange x{mutation("response_mutations: [" + set("x-code", "%RESPONSE_CODE%") + "]")
                 .withRoutes("- match: {prefix: /}\n  direct_response: {status: 404}")};
  x.request(get("/"));
  EXPECT_EQ(x.status(), 404);
  EXPECT_EQ(x.field("x-code"), "404");
}

TEST(HeaderMutation, ChangesTrailers) {
  Exchange x{mutation("request_trailers_mutations: [" + set("x-in", "1") +
                      ", {remove: x-sum}],"
                      "response_trailers_mutations: [" +
                      set("x-out", "1") + "]")};
  test::Reply reply{200, {}, "b"};
  reply.trailers = {{"x-t", "t"}};
  x.origin(reply);
  x.request(
      "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: "
      "1\r\n\r\n");
  EXPECT_EQ(x.originSaw().trailers, (FieldList{{"x-in", "1"}}));
  EXPECT_EQ(x.response().trailers, (FieldList{{"x-t", "t"}, {"x-out", "1"}}));
}

std::string param(const char* key, const char* value, const char* action) {
  return std::string("{append: {record: {key: \"") + key + "\", value: \"" + value +
         "\"}, action: " + action + "}}";
}

TEST(HeaderMutation, ChangesQueryParametersAndLeavesTheOthersAsTheyAre) {
  Exchange x{mutation(
      "query_parameter_mutations: [" + param("n w", "v &+", "APPEND_IF_EXISTS_OR_ADD") +
      ", {remove: gone}, " + param("a", "%REQ(x-a)%", "OVERWRITE_IF_EXISTS") + ", " +
      param("b", "no", "ADD_IF_ABSENT") + ", " + param("none", "no", "OVERWRITE_IF_EXISTS") + ", " +
      param("set", "1", "OVERWRITE_IF_EXISTS_OR_ADD") + "]")};
  x.request(get("/p?b=2&a=1&g%6Fne=3&flag&a=9&sp=x+y%20z%2F", "x-a: A B\r\n"));
  EXPECT_EQ(upstreamTarget(x), "/p?b=2&a=A%20B&flag&sp=x+y%20z%2F&n%20w=v%20%26%2B&set=1");
}

TEST(HeaderMutation, AQueryMayComeAndGo) {
  Exchange x{mutation("query_parameter_mutations: [{remove: a}]")};
  x.request(get("/p?a=1&a=2"));
  EXPECT_EQ(upstreamTarget(x), "/p");
  Exchange added{mutation("query_parameter_mutations: [" + param("a", "1", "ADD_IF_ABSENT") + "]")};
  added.request(get("/p"));
  EXPECT_EQ(upstreamTarget(added), "/p?a=1");
}

TEST(HeaderMutation, LevelsApplyFromTheRouteUp) {
  const auto level = [](const char* who) {
    return "request_mutations: [" + set("x-all", who) + "," +
           set("x-last", who, ", append_action: OVERWRITE_IF_EXISTS_OR_ADD") + "]";
  };
  const auto config = [&](std::string_view more) {
    return filter(mutations("HeaderMutation", level("base")) + std::string(more))
        .onTable(routeLevel(level("table")))
        .onVirtualHost(routeLevel(level("host")))
        .onRoute(routeLevel(level("route")));
  };
  Exchange x{config("")};
  x.request(get("/"));
  EXPECT_EQ(x.upstreamHeader("x-all"), "base,route,host,table");
  EXPECT_EQ(x.upstreamHeader("x-last"), "table");
  Exchange specific{config("most_specific_header_mutations_wins: true")};
  specific.request(get("/"));
  EXPECT_EQ(specific.upstreamHeader("x-all"), "base,table,host,route");
  EXPECT_EQ(specific.upstreamHeader("x-last"), "route");
}

TEST(HeaderMutation, RefusesAndWarnsByName) {
  const std::string at = "mutations.request_mutations[0]";
  EXPECT_EQ(test::refusal(mutation("request_mutations: [{}]")).field, at);
  EXPECT_EQ(test::refusal(mutation("request_mutations: [{remove: host}]")).field, at + ".remove");
  EXPECT_EQ(test::refusal(mutation("request_mutations: [" + set("\":path\"", "/") + "]")).field,
            at + ".append.header.key");
  EXPECT_EQ(test::refusal(mutation("request_mutations: [" + set("x", "%NOPE%") + "]")).field,
            at + ".append.header.value");
  EXPECT_EQ(
      test::refusal(mutation("request_mutations: [" +
                             set("x", "1", ", append: true, append_action: ADD_IF_ABSENT") + "]"))
          .field,
      at + ".append");
  EXPECT_EQ(test::refusal(mutation("query_parameter_mutations: [{}]")).field,
            "mutations.query_parameter_mutations[0]");
  EXPECT_EQ(
      test::refusal(
          filter(mutations("HeaderMutation", "")).onRoute(routeLevel("response_mutations: [{}]")))
          .field,
      "mutations.response_mutations[0]");
}

}  // namespace
}  // namespace weir::filters::header_mutation
