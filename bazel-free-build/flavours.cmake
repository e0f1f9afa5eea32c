# Compiler flags by flavour: WEIR_SANITIZE is empty, "address" (with undefined) or "thread".
set(WEIR_SANITIZE "" CACHE STRING "address | thread | empty")
option(WEIR_TESTS "build the tests" ON)
option(WEIR_FUZZ "build the fuzz targets (clang only)" OFF)

set(WEIR_WARNINGS -Wall -Wextra -Werror)
# What every object has, also those that no sanitizer watches (protoc's).
set(WEIR_PLAIN_OPTIONS -march=x86-64-v2)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  # In a release they would cost a request six instructions of a hundred; -g1 unwinds without.
  list(APPEND WEIR_PLAIN_OPTIONS -fno-omit-frame-pointer)
endif()
add_compile_options(${WEIR_PLAIN_OPTIONS})

# -O1 halves what the sanitizers cost; -g1 is enough for the lines of a report.
if(WEIR_SANITIZE STREQUAL "address")
  add_compile_options(-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(WEIR_SANITIZE STREQUAL "thread")
  # protobuf's headers give a map field two more members where this is defined, and Debian's library
  # has none of them. libstdc++, which must know, is told by its own name.
  add_compile_options(-O1 -g1 -fsanitize=thread -U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  add_link_options(-fsanitize=thread)
endif()
if(WEIR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG -g1")
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  set(CMAKE_CXX_COMPILE_OPTIONS_IPO -flto=auto -fno-fat-lto-objects)
endif()

find_program(WEIR_CCACHE ccache)
if(WEIR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${WEIR_CCACHE})
endif()
