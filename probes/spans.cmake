# Serialization spans: the catalogue of functions, and where in mapped files their probes go.
# No BPF in here: pure, and testable without privileges.
find_package(zydis CONFIG REQUIRED)

add_library(ktax_spans STATIC
            ${CMAKE_CURRENT_LIST_DIR}/catalogue.c
            ${CMAKE_CURRENT_LIST_DIR}/code_flow.c
            ${CMAKE_CURRENT_LIST_DIR}/elf_symbols.c
            ${CMAKE_CURRENT_LIST_DIR}/maps.c
            ${CMAKE_CURRENT_LIST_DIR}/placement.c
            ${CMAKE_CURRENT_LIST_DIR}/spans.c)
target_include_directories(ktax_spans PUBLIC ${CMAKE_CURRENT_LIST_DIR})
file(RELATIVE_PATH catalogue_from_program
  "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_DATADIR}/ktax/catalogue")
target_compile_definitions(ktax_spans PRIVATE
  KTAX_CATALOGUE_FROM_PROGRAM="${catalogue_from_program}"
  KTAX_BUILD_DIR="${PROJECT_BINARY_DIR}"
  KTAX_CATALOGUE_DIR="${CMAKE_INSTALL_FULL_DATADIR}/ktax/catalogue"
  KTAX_CATALOGUE_SOURCE_DIR="${CMAKE_CURRENT_LIST_DIR}/catalogue")
target_link_libraries(ktax_spans PUBLIC ktax_shared
                      PRIVATE PkgConfig::LIBELF PkgConfig::INIH Zydis::Zydis)

install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/catalogue
        DESTINATION ${CMAKE_INSTALL_DATADIR}/ktax
        FILES_MATCHING PATTERN "*.ini")
