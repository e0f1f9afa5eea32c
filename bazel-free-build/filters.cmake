# weir_filter(NAME [SRCS more.cc …]): one filter's folder: library weir_filter_NAME from NAME.cc and
# SRCS, NAME.proto if there is one, the test NAME_test.cc and a test that example.yaml is a valid
# configuration, if there are such files.
#
# weir_network_filter(NAME): the same for a network filter, without a proto of its own; its targets
# are called network_NAME.
#
# weir_filters(NAME… NETWORK NAME…): adds the folders http/NAME and network/NAME and generates
# builtin_filters.cc, which installs them in the given order. -DWEIR_FILTERS="router;cors" leaves the
# other HTTP filters out.
set(WEIR_FILTERS "" CACHE STRING "filters to build; empty: all")

function(weir_filter name)
  cmake_parse_arguments(ARG "" "" "SRCS" ${ARGN})
  add_library(weir_filter_${name} STATIC ${name}.cc ${ARG_SRCS})
  target_include_directories(weir_filter_${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/api/include)
  target_compile_options(weir_filter_${name} PRIVATE ${WEIR_WARNINGS})
  target_link_libraries(weir_filter_${name} PUBLIC weir_base weir_match weir_telemetry weir_api)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}.proto)
    set(out ${CMAKE_BINARY_DIR}/filters_generated)
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    file(MAKE_DIRECTORY ${out})
    add_custom_command(
      OUTPUT ${out}/${path}/${name}.pb.cc ${out}/${path}/${name}.pb.h
      COMMAND protobuf::protoc --proto_path=${PROJECT_SOURCE_DIR} --proto_path=${PROJECT_SOURCE_DIR}/api
              --cpp_out=${out} ${PROJECT_SOURCE_DIR}/${path}/${name}.proto
      DEPENDS ${name}.proto VERBATIM)
    add_library(weir_filter_${name}_proto STATIC ${out}/${path}/${name}.pb.cc)
    target_compile_options(weir_filter_${name}_proto PRIVATE -w)
    target_include_directories(weir_filter_${name}_proto SYSTEM PUBLIC ${out})
    target_link_libraries(weir_filter_${name}_proto PUBLIC weir_api)
    target_link_libraries(weir_filter_${name} PUBLIC weir_filter_${name}_proto)
  endif()
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}_test.cc)
    weir_test(${name}_filter_test SRCS ${name}_test.cc DEPS weir_filter_harness weir_filter_${name})
  endif()
  if(WEIR_TESTS AND EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/example.yaml)
    add_test(NAME ${name}_filter_example
             COMMAND weir --mode validate -c ${CMAKE_CURRENT_SOURCE_DIR}/example.yaml)
    set_tests_properties(${name}_filter_example PROPERTIES TIMEOUT 60 LABELS "unit")
    if(TARGET ${name}_filter_test)
      add_dependencies(${name}_filter_test weir)
    endif()
  endif()
endfunction()

function(weir_network_filter name)
  set(target weir_filter_network_${name})
  add_library(${target} STATIC ${name}.cc)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/api/include)
  target_compile_options(${target} PRIVATE ${WEIR_WARNINGS})
  target_link_libraries(${target} PUBLIC weir_base weir_match weir_telemetry weir_api)
  weir_test(network_${name}_filter_test SRCS ${name}_test.cc DEPS ${target})
  if(WEIR_TESTS)
    add_test(NAME network_${name}_filter_example
             COMMAND weir --mode validate -c ${CMAKE_CURRENT_SOURCE_DIR}/example.yaml)
    set_tests_properties(network_${name}_filter_example PROPERTIES TIMEOUT 60 LABELS "unit")
  endif()
endfunction()

function(weir_filters)
  cmake_parse_arguments(ARG "" "" "NETWORK" ${ARGN})
  set(chosen ${ARG_UNPARSED_ARGUMENTS})
  if(WEIR_FILTERS)
    set(chosen ${WEIR_FILTERS})
  endif()
  set(declarations "")
  set(calls "")
  set(libraries "")
  foreach(name IN LISTS chosen)
    add_subdirectory(http/${name})
    string(APPEND declarations "namespace weir::filters::${name} {\nvoid install(FilterRegistry& registry);\n}\n")
    string(APPEND calls "  ${name}::install(registry);\n")
    list(APPEND libraries weir_filter_${name})
  endforeach()
  foreach(name IN LISTS ARG_NETWORK)
    add_subdirectory(network/${name})
    string(APPEND declarations "namespace weir::network::${name} {\nvoid install(FilterRegistry& registry);\n}\n")
    string(APPEND calls "  network::${name}::install(registry);\n")
    list(APPEND libraries weir_filter_network_${name})
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/builtin_filters.cc CONTENT
"// Generated from filters/CMakeLists.txt.
#include \"weir/builtin_filters.h\"

@declarations@
namespace weir {

void installBuiltinFilters(FilterRegistry& registry) {
  using namespace filters;
@calls@}

}  // namespace weir
" @ONLY)
  add_library(weir_filters STATIC ${CMAKE_BINARY_DIR}/builtin_filters.cc)
  target_include_directories(weir_filters PRIVATE ${PROJECT_SOURCE_DIR}/api/include)
  target_link_libraries(weir_filters PUBLIC ${libraries})
endfunction()
