homeostat_program(chain_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/chain_bench.cpp LINK homeostat_chain_support)
