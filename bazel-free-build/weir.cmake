# The functions every folder's CMakeLists.txt uses. One folder, one library target; tests beside it.

# weir_library(NAME SRCS a.cc b.cc DEPS weir_base …): library target `weir_NAME`.
function(weir_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_library(weir_${name} STATIC ${ARG_SRCS})
  target_include_directories(weir_${name} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/api/include)
  target_compile_options(weir_${name} PRIVATE ${WEIR_WARNINGS})
  target_link_libraries(weir_${name} PUBLIC ${ARG_DEPS})
endfunction()

# weir_test(NAME SRCS a_test.cc DEPS weir_base …): a GoogleTest executable, run by ctest. LABELS threaded:
# it starts threads, and ThreadSanitizer is to see it.
function(weir_test name)
  if(NOT WEIR_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;ARGS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/api/include)
  target_compile_options(${name} PRIVATE ${WEIR_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "unit;${ARG_LABELS}")
endfunction()

# weir_fuzzer(NAME SRCS x_fuzz.cc DEPS …): a libFuzzer target (clang, -DWEIR_FUZZ=ON). The same
# file is built by every compiler as `NAME_replay`, which runs it over the seed corpus as a test.
function(weir_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  if(WEIR_FUZZ)
    add_executable(${name} ${ARG_SRCS})
    target_compile_options(${name} PRIVATE ${WEIR_WARNINGS} -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name} PRIVATE ${ARG_DEPS})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  elseif(WEIR_TESTS)
    add_executable(${name}_replay ${ARG_SRCS} ${PROJECT_SOURCE_DIR}/test/fuzz/replay.cc)
    target_compile_options(${name}_replay PRIVATE ${WEIR_WARNINGS})
    target_link_libraries(${name}_replay PRIVATE ${ARG_DEPS})
    target_include_directories(${name}_replay PRIVATE ${PROJECT_SOURCE_DIR})
    add_test(NAME ${name}_replay
             COMMAND ${name}_replay ${PROJECT_SOURCE_DIR}/test/fuzz/corpus/${name})
    set_tests_properties(${name}_replay PROPERTIES TIMEOUT 120 LABELS "fuzz")
  endif()
endfunction()
