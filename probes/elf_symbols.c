/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libelf reads the tables (it checks them against the file's size), pread() the code, so that a
 * file that shrinks under us gives short reads and not SIGBUS.
 *
 * Addresses are those of the file's own address space ("vaddr"), which the program headers map to
 * file offsets. Only the executable segments are kept.
 */
#include "elf_symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gelf.h>
#include <libelf.h>

#include "glob_list.h"

#define MAX_SEGMENTS 16

struct segment {
	uint64_t vaddr, offset, size;
};

/* A slot of the global offset table that the dynamic linker fills in. */
struct import {
	uint64_t slot;
	uint64_t vaddr; /* where the symbol is defined in this file, or 0 */
	const char *name;
};

struct elf_image {
	int fd;
	Elf *elf;
	bool x86_64;
	char soname[256];
	struct segment segments[MAX_SEGMENTS];
	size_t nsegments;
	struct import *imports; /* in order of slot; read at the first question */
	size_t nimports;
	bool has_imports;
};

/* ---- sections ---- */

/* The first section from behind @after (NULL: the first) of @type, with its header. */
static Elf_Scn *section_next(Elf *elf, Elf_Scn *after, GElf_Word type, GElf_Shdr *ret)
{
	for (Elf_Scn *scn = elf_nextscn(elf, after); scn; scn = elf_nextscn(elf, scn))
		if (gelf_getshdr(scn, ret) && ret->sh_type == type)
			return scn;
	return NULL;
}

/* The number of entries of a table section; 0 if there is no sense in its header. */
static size_t section_entries(Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr, Elf_Type type,
                              Elf_Data **ret)
{
	size_t size = gelf_fsize(elf, type, 1, EV_CURRENT);

	*ret = elf_getdata(scn, NULL);
	if (!*ret || !size || shdr->sh_entsize != size)
		return 0;
	return (*ret)->d_size / size;
}

static const char *string_at(Elf *elf, GElf_Word table, uint64_t offset)
{
	return elf_strptr(elf, table, offset);
}

/* ---- opening ---- */

static void read_segments(struct elf_image *image)
{
	size_t n;

	if (elf_getphdrnum(image->elf, &n))
		return;
	for (size_t i = 0; i < n && image->nsegments < MAX_SEGMENTS; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(image->elf, (int)i, &phdr))
			return;
		if (phdr.p_type == PT_LOAD && (phdr.p_flags & PF_X))
			image->segments[image->nsegments++] = (struct segment){
				.vaddr = phdr.p_vaddr,
				.offset = phdr.p_offset,
				.size = phdr.p_filesz,
			};
	}
}

static void read_soname(struct elf_image *image)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = section_next(image->elf, NULL, SHT_DYNAMIC, &shdr);
	Elf_Data *data;
	size_t n = scn ? section_entries(image->elf, scn, &shdr, ELF_T_DYN, &data) : 0;

	for (size_t i = 0; i < n; i++) {
		GElf_Dyn dyn;
		const char *name;

		if (!gelf_getdyn(data, (int)i, &dyn) || dyn.d_tag == DT_NULL)
			return;
		if (dyn.d_tag != DT_SONAME)
			continue;
		name = string_at(image->elf, shdr.sh_link, dyn.d_un.d_val);
		if (name && strlen(name) < sizeof(image->soname))
			strcpy(image->soname, name);
		return;
	}
}

static int import_compare(const void *a, const void *b)
{
	const struct import *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

/* The symbol of relocation @rela, from the symbol table in section @symtab. */
static bool import_read(struct elf_image *image, const GElf_Rela *rela, GElf_Word symtab,
                        struct import *ret)
{
	Elf_Scn *scn = elf_getscn(image->elf, symtab);
	Elf_Data *data;
	GElf_Shdr shdr;
	GElf_Sym sym;

	if (!scn || !gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_DYNSYM)
		return false;
	data = elf_getdata(scn, NULL);
	if (!data || !gelf_getsym(data, (int)GELF_R_SYM(rela->r_info), &sym))
		return false;
	ret->slot = rela->r_offset;
	ret->name = string_at(image->elf, shdr.sh_link, sym.st_name);
	ret->vaddr = sym.st_shndx != SHN_UNDEF && GELF_ST_TYPE(sym.st_info) == STT_FUNC
	                     ? sym.st_value
	                     : 0;
	return ret->name;
}

/* Adds what the relocation section @scn binds to functions. */
static int imports_add(struct elf_image *image, Elf_Scn *scn, const GElf_Shdr *shdr)
{
	Elf_Data *data;
	size_t n = section_entries(image->elf, scn, shdr, ELF_T_RELA, &data);
	struct import *imports =
		reallocarray(image->imports, image->nimports + n + 1, sizeof(*imports));

	if (!imports)
		return -ENOMEM;
	image->imports = imports;
	for (size_t i = 0; i < n; i++) {
		GElf_Rela rela;

		if (!gelf_getrela(data, (int)i, &rela))
			break;
		if (GELF_R_TYPE(rela.r_info) != R_X86_64_JUMP_SLOT &&
		    GELF_R_TYPE(rela.r_info) != R_X86_64_GLOB_DAT)
			continue;
		if (import_read(image, &rela, shdr->sh_link, &imports[image->nimports]))
			image->nimports++;
	}
	return 0;
}

/* Out of memory leaves imports unknown, which places probes worse but not wrong. */
static void read_imports(struct elf_image *image)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = NULL;

	image->has_imports = true;
	while ((scn = section_next(image->elf, scn, SHT_RELA, &shdr)))
		if ((shdr.sh_flags & SHF_ALLOC) && imports_add(image, scn, &shdr))
			break;
	if (image->nimports)
		qsort(image->imports, image->nimports, sizeof(*image->imports), import_compare);
}

static int image_read(struct elf_image *image)
{
	GElf_Ehdr ehdr;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -EBADMSG;
	image->elf = elf_begin(image->fd, ELF_C_READ, NULL);
	if (!image->elf || elf_kind(image->elf) != ELF_K_ELF || !gelf_getehdr(image->elf, &ehdr))
		return -EBADMSG;
	image->x86_64 = ehdr.e_machine == EM_X86_64 && ehdr.e_ident[EI_CLASS] == ELFCLASS64;
	read_segments(image);
	read_soname(image);
	return 0;
}

/* A regular file: opening a FIFO or a device that a process happens to map must not block. */
static int open_regular(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EBADMSG;
}

int elf_image_open(const char *path, struct elf_image **ret)
{
	struct elf_image *image = calloc(1, sizeof(*image));
	int err;

	if (!image)
		return -ENOMEM;
	image->fd = open_regular(path);
	err = image->fd < 0 ? image->fd : image_read(image);
	if (err) {
		elf_image_close(image);
		return err;
	}
	*ret = image;
	return 0;
}

void elf_image_close(struct elf_image *image)
{
	if (!image)
		return;
	elf_end(image->elf);
	if (image->fd >= 0)
		close(image->fd);
	free(image->imports);
	free(image);
}

const char *elf_image_soname(const struct elf_image *image)
{
	return image->soname;
}

bool elf_image_is_x86_64(const struct elf_image *image)
{
	return image->x86_64;
}

/* The section called @name, with its header; NULL if there is none. */
static Elf_Scn *section_named(Elf *elf, const char *name, GElf_Shdr *ret)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *found =
			gelf_getshdr(scn, ret) ? elf_strptr(elf, names, ret->sh_name) : NULL;

		if (found && !strcmp(found, name))
			return scn;
	}
	return NULL;
}

bool elf_image_is_go(const struct elf_image *image)
{
	GElf_Shdr shdr;

	return section_named(image->elf, ".gopclntab", &shdr) ||
	       section_named(image->elf, ".go.buildinfo", &shdr);
}

bool elf_image_has_exceptions(const struct elf_image *image)
{
	GElf_Shdr shdr;

	return section_named(image->elf, ".gcc_except_table", &shdr);
}

/* ---- USDT ---- */

/*
 * A note "stapsdt" of type 3 describes a probe: three addresses (of the probe, of the section
 * .stapsdt.base, of the semaphore), then the strings provider, name and arguments (systemtap,
 * "UserSpaceProbeImplementation"). The addresses are those that the linker gave; prelink and the
 * like move sections without knowing of the notes, and how far is seen at .stapsdt.base.
 */
#define USDT_NOTE_TYPE 3

/* What is to be read of a note's description. */
struct description {
	const char *at;
	size_t left;
	size_t address_size;
};

static bool take_address(struct description *description, uint64_t *ret)
{
	uint32_t narrow;

	if (description->left < description->address_size)
		return false;
	if (description->address_size == sizeof(narrow)) {
		memcpy(&narrow, description->at, sizeof(narrow));
		*ret = narrow;
	} else {
		memcpy(ret, description->at, sizeof(*ret));
	}
	description->at += description->address_size;
	description->left -= description->address_size;
	return true;
}

static bool take_string(struct description *description, const char **ret)
{
	const char *end = memchr(description->at, '\0', description->left);

	if (!end)
		return false;
	*ret = description->at;
	description->left -= (size_t)(end + 1 - description->at);
	description->at = end + 1;
	return true;
}

static bool usdt_read(struct description *description, const char *provider, struct elf_usdt *ret,
                      uint64_t *ret_base)
{
	const char *found;

	return take_address(description, &ret->vaddr) && take_address(description, ret_base) &&
	       take_address(description, &ret->semaphore) && take_string(description, &found) &&
	       !strcmp(found, provider) && take_string(description, &ret->name) &&
	       take_string(description, &ret->arguments);
}

/* Where .stapsdt.base is; 0 if there is none. */
static uint64_t usdt_base(const struct elf_image *image)
{
	GElf_Shdr shdr;

	return section_named(image->elf, ".stapsdt.base", &shdr) ? shdr.sh_addr : 0;
}

/* Corrects the addresses of a note linked with .stapsdt.base at @linked, which is at @base now. */
static void usdt_adjust(struct elf_usdt *usdt, uint64_t linked, uint64_t base)
{
	if (!linked || !base)
		return;
	usdt->vaddr += base - linked;
	if (usdt->semaphore)
		usdt->semaphore += base - linked;
}

static bool is_usdt_note(const GElf_Nhdr *nhdr, const char *name)
{
	return nhdr->n_type == USDT_NOTE_TYPE && nhdr->n_namesz == sizeof("stapsdt") &&
	       !memcmp(name, "stapsdt", sizeof("stapsdt"));
}

static int section_visit_usdt(const struct elf_image *image, Elf_Scn *scn, const char *provider,
                              elf_usdt_visitor visit, void *context)
{
	const uint64_t base = usdt_base(image);
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t offset = 0, name, desc;
	GElf_Nhdr nhdr;
	int ended = 0;

	while (!ended && data && (offset = gelf_getnote(data, offset, &nhdr, &name, &desc))) {
		const char *bytes = data->d_buf;
		struct description description = {
			.at = bytes + desc,
			.left = nhdr.n_descsz,
			.address_size = gelf_fsize(image->elf, ELF_T_ADDR, 1, EV_CURRENT),
		};
		struct elf_usdt usdt;
		uint64_t linked;

		if (!is_usdt_note(&nhdr, bytes + name) ||
		    !usdt_read(&description, provider, &usdt, &linked))
			continue;
		usdt_adjust(&usdt, linked, base);
		ended = visit(context, &usdt);
	}
	return ended;
}

int elf_image_usdt(const struct elf_image *image, const char *provider, elf_usdt_visitor visit,
                   void *context)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = NULL;
	int ended = 0;

	while (!ended && (scn = section_next(image->elf, scn, SHT_NOTE, &shdr)))
		ended = section_visit_usdt(image, scn, provider, visit, context);
	return ended;
}

/* ---- functions ---- */

static bool is_function(const struct elf_image *image, const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);
	uint64_t offset;

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && sym->st_shndx != SHN_UNDEF &&
	       !elf_image_offset(image, sym->st_value, &offset);
}

/* What the compiler moved out of a function ("f.cold") is not called. */
static bool is_fragment(const char *name)
{
	return strstr(name, ".cold") != NULL;
}

static int functions_append(struct elf_functions *list, const char *name, const GElf_Sym *sym)
{
	struct elf_function *functions = list->functions;
	char *copy = strdup(name);

	/* Grows at each power of two. */
	if (copy && !(list->n & (list->n - 1)))
		functions = reallocarray(functions, list->n ? 2 * list->n : 1, sizeof(*functions));
	if (!copy || !functions) {
		free(copy);
		return -ENOMEM;
	}
	list->functions = functions;
	functions[list->n++] = (struct elf_function){
		.name = copy,
		.vaddr = sym->st_value,
		.size = sym->st_size,
		.indirect = GELF_ST_TYPE(sym->st_info) == STT_GNU_IFUNC,
	};
	return 0;
}

static int functions_add(const struct elf_image *image, Elf_Scn *scn, const GElf_Shdr *shdr,
                         char *const *symbols, struct elf_functions *list)
{
	Elf_Data *data;
	size_t n = section_entries(image->elf, scn, shdr, ELF_T_SYM, &data);
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		GElf_Sym sym;
		const char *name;

		if (!gelf_getsym(data, (int)i, &sym) || !is_function(image, &sym))
			continue;
		name = string_at(image->elf, shdr->sh_link, sym.st_name);
		if (name && !is_fragment(name) && glob_list_match(symbols, name))
			err = functions_append(list, name, &sym);
	}
	return err;
}

static int function_compare(const void *a, const void *b)
{
	const struct elf_function *x = a, *y = b;

	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Sorts, and drops what is in both symbol tables. */
static void functions_unique(struct elf_functions *list)
{
	size_t kept = 0;

	if (!list->n)
		return;
	qsort(list->functions, list->n, sizeof(*list->functions), function_compare);
	for (size_t i = 0; i < list->n; i++) {
		struct elf_function *function = &list->functions[i];

		if (kept && !function_compare(&list->functions[kept - 1], function))
			free(function->name);
		else
			list->functions[kept++] = *function;
	}
	list->n = kept;
}

int elf_image_functions(const struct elf_image *image, char *const *symbols,
                        struct elf_functions *ret)
{
	static const GElf_Word tables[] = { SHT_DYNSYM, SHT_SYMTAB };
	struct elf_functions list = { 0 };

	for (size_t i = 0; i < 2; i++) {
		GElf_Shdr shdr;
		Elf_Scn *scn = section_next(image->elf, NULL, tables[i], &shdr);

		if (scn && functions_add(image, scn, &shdr, symbols, &list)) {
			elf_functions_release(&list);
			return -ENOMEM;
		}
	}
	functions_unique(&list);
	*ret = list;
	return 0;
}

void elf_functions_release(struct elf_functions *functions)
{
	for (size_t i = 0; i < functions->n; i++)
		free(functions->functions[i].name);
	free(functions->functions);
	*functions = (struct elf_functions){ 0 };
}

/* ---- code ---- */

static const struct segment *segment_of(const struct elf_image *image, uint64_t vaddr)
{
	for (size_t i = 0; i < image->nsegments; i++) {
		const struct segment *segment = &image->segments[i];

		if (vaddr >= segment->vaddr && vaddr - segment->vaddr < segment->size)
			return segment;
	}
	return NULL;
}

int elf_image_offset(const struct elf_image *image, uint64_t vaddr, uint64_t *ret)
{
	const struct segment *segment = segment_of(image, vaddr);

	if (!segment)
		return -ENOENT;
	*ret = segment->offset + (vaddr - segment->vaddr);
	return 0;
}

size_t elf_image_read_code(void *context, uint64_t vaddr, uint8_t *bytes, size_t n)
{
	const struct elf_image *image = context;
	const struct segment *segment = segment_of(image, vaddr);
	uint64_t at, left;
	ssize_t got;

	if (!segment)
		return 0;
	at = vaddr - segment->vaddr;
	left = segment->size - at;
	got = pread(image->fd, bytes, n < left ? n : left, (off_t)(segment->offset + at));
	return got > 0 ? (size_t)got : 0;
}

const char *elf_image_import(void *context, uint64_t slot, uint64_t *ret_vaddr)
{
	struct elf_image *image = context;
	struct import key = { .slot = slot };
	const struct import *import;

	if (!image->has_imports)
		read_imports(image);
	if (!image->nimports)
		return NULL;
	import = bsearch(&key, image->imports, image->nimports, sizeof(key), import_compare);
	if (!import)
		return NULL;
	*ret_vaddr = import->vaddr;
	return import->name;
}
