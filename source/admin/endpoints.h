// The table of endpoints: from it come the dispatch, /help and the page at /. To add one, write its
// handler, declare it in handlers.h and add a row to the table in endpoints.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "source/admin/admin_source.h"
#include "source/admin/request.h"

namespace weir::admin {

struct Parameter {
  std::string_view name;
  std::string_view help;
  std::string_view choices = {};  // "text, json"; empty: any text
  bool is_flag = false;           // its presence is all that counts
};

using Handler = Response (*)(const Request& request, AdminSource& source);

struct Endpoint {
  std::string_view path;
  Handler handler;
  bool mutates;  // POST only
  std::string_view help;
  std::span<const Parameter> parameters = {};
};

// Sorted by path.
std::span<const Endpoint> endpoints();

// From request to response; unknown paths and wrong methods, too. Main thread.
Response answer(const Request& request, AdminSource& source);

}  // namespace weir::admin
