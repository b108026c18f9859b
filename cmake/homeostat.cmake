# How targets are made here: one function per kind, so that warnings, floating-point rules, the
# precompiled header and who-links-whom are decided once.

find_program(HOMEOSTAT_CCACHE ccache)
if(HOMEOSTAT_CCACHE)
  # Objects do not depend on where a tree lies, so all clones of a user share ccache's own folder (or CCACHE_DIR).
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      ${HOMEOSTAT_CCACHE})
endif()
find_program(HOMEOSTAT_MOLD mold)
if(HOMEOSTAT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(homeostat_options INTERFACE)
target_include_directories(homeostat_options INTERFACE ${CMAKE_SOURCE_DIR})
# -ffp-contract=off: a fused multiply-add rounds once instead of twice, so the same sources would give
# other last bits on another machine. It holds for everything, not only the engine.
target_compile_options(homeostat_options INTERFACE -ffp-contract=off -Wall -Wextra -Wshadow -Wnon-virtual-dtor
                                                   -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND "${CMAKE_CXX_FLAGS}" MATCHES "fsanitize=thread")
  target_compile_options(homeostat_options INTERFACE -Wno-tsan)
endif()

# homeostat_precompile(TARGET headers...): for headers that cost more than the code that includes them.
function(homeostat_precompile target)
  target_precompile_headers(${target} PRIVATE ${ARGN})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)  # what ccache needs to see through it
  endif()
endfunction()

# homeostat_library(NAME LINK targets...): every .cpp of the current folder (not of folders below it).
function(homeostat_library name)
  cmake_parse_arguments(ARG "" "" "LINK;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC homeostat_options ${ARG_LINK})
endfunction()

# homeostat_program(NAME OUTPUT name LINK targets...): likewise, an executable.
function(homeostat_program name)
  cmake_parse_arguments(ARG "" "OUTPUT" "LINK;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE homeostat_options ${ARG_LINK})
  if(ARG_OUTPUT)
    set_target_properties(${name} PROPERTIES OUTPUT_NAME ${ARG_OUTPUT})
  endif()
endfunction()

# homeostat_test(NAME SOURCES files... LINK targets...): a GoogleTest program, one ctest entry.
function(homeostat_test name)
  cmake_parse_arguments(ARG "" "" "LINK;SOURCES;LABELS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE homeostat_options ${ARG_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 1200 LABELS "${ARG_LABELS}")
endfunction()
