# The daemon as its users meet it: the real process, a real journal, gRPC.
homeostat_library(homeostat_bench_support
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/support/load.cpp ${CMAKE_CURRENT_SOURCE_DIR}/support/process.cpp
  LINK homeostat_bench_table homeostat_proto fmt::fmt Threads::Threads)

homeostat_program(bare_stream_server SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/bare_stream_server.cpp LINK homeostat_proto)
foreach(name ingest_bench reaction_bench start_bench memory_bench)
  homeostat_program(${name} SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp LINK homeostat_bench_support)
  add_dependencies(${name} homeostatd bare_stream_server)
  homeostat_bench_smoke(${name})
endforeach()
