# BPF objects, embedded as skeletons: for every folder that has programs of its own.
#
# vmlinux.h comes from the running kernel's BTF; where there is none (a build container), from the
# committed minimal one: CO-RE relocates either to the kernel that the object is loaded on.
find_program(CLANG NAMES clang-14 clang REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /usr/local/sbin REQUIRED)
find_program(LLVM_STRIP NAMES llvm-strip-14 llvm-strip REQUIRED)
set(KTAX_VMLINUX_BTF /sys/kernel/btf/vmlinux CACHE FILEPATH "Kernel BTF to generate vmlinux.h from")
set(KTAX_BPF_DIR ${PROJECT_BINARY_DIR}/probes/bpf)
file(MAKE_DIRECTORY ${KTAX_BPF_DIR})

if(EXISTS ${KTAX_VMLINUX_BTF})
  add_custom_command(
    OUTPUT ${KTAX_BPF_DIR}/vmlinux.h
    COMMAND ${BPFTOOL} btf dump file ${KTAX_VMLINUX_BTF} format c > ${KTAX_BPF_DIR}/vmlinux.h
    VERBATIM)
else()
  message(STATUS "No kernel BTF here: using probes/minimal/vmlinux.h")
  configure_file(${CMAKE_CURRENT_LIST_DIR}/minimal/vmlinux.h ${KTAX_BPF_DIR}/vmlinux.h COPYONLY)
endif()
add_custom_target(ktax_vmlinux DEPENDS ${KTAX_BPF_DIR}/vmlinux.h)

set(KTAX_BPF_FLAGS -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_x86 -Wall -Wno-unused-function
  -I${KTAX_BPF_DIR} -I${CMAKE_CURRENT_LIST_DIR}/shared -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
if(KTAX_WERROR)
  list(APPEND KTAX_BPF_FLAGS -Werror)
endif()

# ktax_bpf_object(NAME SOURCE [DEFINITIONS...]): NAME.skel.h in KTAX_BPF_DIR from SOURCE, DWARF
# stripped.
function(ktax_bpf_object name source)
  cmake_path(GET source PARENT_PATH folder)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.h
       ${PROJECT_SOURCE_DIR}/probes/shared/*.h)
  add_custom_command(
    OUTPUT ${KTAX_BPF_DIR}/${name}.skel.h
    COMMAND ${CLANG} ${KTAX_BPF_FLAGS} ${ARGN} -I${CMAKE_CURRENT_SOURCE_DIR}/${folder}
            -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${KTAX_BPF_DIR}/${name}.bpf.o
    COMMAND ${LLVM_STRIP} -g ${KTAX_BPF_DIR}/${name}.bpf.o
    COMMAND ${BPFTOOL} gen skeleton ${KTAX_BPF_DIR}/${name}.bpf.o name ${name}
            > ${KTAX_BPF_DIR}/${name}.skel.h
    DEPENDS ${source} ${headers} ktax_vmlinux
    VERBATIM)
endfunction()
