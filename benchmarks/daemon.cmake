# The benchmarks of the daemon as its users meet it: the real process, a real journal, gRPC.
find_package(fmt REQUIRED)
homeostat_library(homeostat_bench_table SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/support/table.cpp LINK fmt::fmt)
homeostat_library(homeostat_bench_support
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/support/load.cpp ${CMAKE_CURRENT_SOURCE_DIR}/support/process.cpp
  LINK homeostat_bench_table homeostat_proto fmt::fmt Threads::Threads)

homeostat_program(bare_stream_server SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/bare_stream_server.cpp LINK homeostat_proto)
foreach(name ingest)
  homeostat_program(${name}_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/${name}_bench.cpp LINK homeostat_bench_support)
  add_dependencies(${name}_bench homeostatd bare_stream_server)
  add_test(NAME ${name}_bench_smoke COMMAND ${name}_bench --smoke)
  set_tests_properties(${name}_bench_smoke PROPERTIES TIMEOUT 300 LABELS bench)
endforeach()
