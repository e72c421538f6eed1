# Tests of the span sites. A shared library to look into; two of the tests get its path.
ktax_unit_test(catalogue test_catalogue.c LIBS ktax_spans)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_library(span_fixture MODULE span_fixture.c)
  target_link_options(span_fixture PRIVATE -Wl,-soname,libspan_fixture.so.1)

  ktax_unit_test(annotations test_annotations.c LIBS ktax_spans ktax_annotate)
  ktax_unit_test(placement test_placement.c LIBS ktax_spans)
  foreach(name elf_symbols spans)
    add_executable(test_${name} test_${name}.c)
    target_link_libraries(test_${name} PRIVATE span_probes ktax_spans PkgConfig::CMOCKA
                                               ${CMAKE_DL_LIBS})
    add_dependencies(test_${name} span_fixture)
    set_target_properties(test_${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_test(NAME unit.${name} COMMAND test_${name} $<TARGET_FILE:span_fixture>)
  endforeach()
endif()
