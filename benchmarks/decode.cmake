# Decoding of what a node sends, without the node.
homeostat_program(decode_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/decode_bench.cpp
                  LINK homeostat_bench_table homeostat_sources_parse)
homeostat_bench_smoke(decode_bench)
