/* SPDX-License-Identifier: GPL-2.0 */
/* The times that each request spends, in us, stand in spans.test.sh as well. */
#include "requests.h"

#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <stdexcept>
#include <unistd.h>

#include <jansson.h>
#include <ktax/ktax.h>

#include "spin.h"
#include "work.h"

namespace codec
{
int decode(int n);
}

static volatile int yes = 1; /* unknown to the compiler */

static void spin_100()
{
	spin(100);
}

static void plain()
{
	spin(100);
}

/* ---- Functions ---------------------------------------------------------------------------- */

static thread_local bool in_dump;

/* Jansson's allocator: calls a function of the catalogue within another. */
static void *allocate(size_t size)
{
	if (in_dump) {
		in_dump = false;
		spin(100);
		json_decref(json_loads("[1]", 0, nullptr));
		spin(100);
	}
	return malloc(size);
}

static void nested_functions()
{
	static const bool prepared = (json_set_alloc_funcs(allocate, free), true);
	json_t *value = json_pack("{s:i}", "a", 1);

	(void)prepared;
	in_dump = true;
	free(json_dumps(value, 0));
	json_decref(value);
	spin(300);
}

static void recursion()
{
	span_recurse(11, 10, [] {});
	spin(300);
}

static void last_call()
{
	span_first(100);
	spin(300);
}

/* ---- Functions that are left ---------------------------------------------------------------- */

static thread_local jmp_buf target;

static void jump()
{
	spin(100);
	longjmp(target, 1);
}

static void long_jump()
{
	if (!setjmp(target))
		span_work(jump);
	spin(300);
}

static void deep_long_jump()
{
	if (!setjmp(target))
		span_recurse(5, 10, jump);
	spin(300);
}

/* The one that comes after the jump is seen as such, although it is called from the same place. */
static void repeated_long_jump()
{
	for (volatile int i = 0; i < 3; i++) {
		if (!setjmp(target))
			span_work(i < 2 ? jump : spin_100);
		spin(100);
	}
}

__attribute__((noinline)) int codec::decode(int n)
{
	spin(100);
	if (n)
		throw std::runtime_error("not what was expected");
	return 1;
}

static void exception()
{
	try {
		codec::decode(yes);
	} catch (const std::runtime_error &) {
		spin(300);
	}
}

/* ---- Annotations ------------------------------------------------------------------------------
 */

static void nested_annotations()
{
	KTAX_SPAN_BEGIN(serialize);
	spin(100);
	KTAX_SPAN_BEGIN(gc);
	spin(100);
	KTAX_SPAN_END(gc);
	spin(50);
	KTAX_SPAN_END(serialize);
	spin(300);
}

/* More of them than ktax keeps. */
__attribute__((noinline)) static void annotated_recursion(int depth)
{
	KTAX_SPAN_BEGIN(serialize);
	spin(10);
	if (depth)
		annotated_recursion(depth - 1);
	spin(10);
	KTAX_SPAN_END(serialize);
}

static void deep_annotations()
{
	annotated_recursion(11);
	spin(300);
}

static void annotated_part()
{
	spin(100);
	KTAX_SPAN_BEGIN(gc);
	spin(100);
	KTAX_SPAN_END(gc);
	spin(100);
}

static void annotation_in_function()
{
	span_work(annotated_part);
	spin(300);
}

static void function_in_annotation()
{
	KTAX_SPAN_BEGIN(gc);
	spin(100);
	span_work(spin_100);
	spin(100);
	KTAX_SPAN_END(gc);
	spin(300);
}

__attribute__((noinline)) static void skip_end()
{
	KTAX_SPAN_BEGIN(serialize);
	spin(100);
	if (yes)
		return;
	KTAX_SPAN_END(serialize);
}

static void skipped_end()
{
	skip_end();
	spin(300);
}

/* The same in a loop and in one frame, then once whole. */
static void repeated_skipped_end()
{
	for (volatile int i = 0; i < 12; i++) {
		KTAX_SPAN_BEGIN(serialize);
		spin(10);
		if (i < 11)
			continue;
		KTAX_SPAN_END(serialize);
	}
	spin(300);
}

static void skipped_inner_end()
{
	KTAX_SPAN_BEGIN(gc);
	for (volatile int i = 0; i < 1; i++) {
		KTAX_SPAN_BEGIN(serialize);
		spin(100);
		if (yes)
			break;
		KTAX_SPAN_END(serialize);
	}
	KTAX_SPAN_END(gc);
	spin(300);
}

/* ---- Libraries that are loaded ------------------------------------------------------------------
 */

static void same(const char *path)
{
	static const int flags = RTLD_NOW | RTLD_LOCAL;
	void *library = dlopen(path, flags);
	auto work = library ? (void (*)(unsigned long))dlsym(library, "same_work") : nullptr;

	if (!work)
		abort();
	work(100);
	spin(300);
}

static void same_one()
{
	same(SAME_ONE);
}

static void same_other()
{
	same(SAME_OTHER);
}

/* ---- Functions that are single-stepped ----------------------------------------------------------
 */

/* In a program with exceptions: probed at its returns and not by a uretprobe. */
STEPPED_FUNCTION(codec_decode_stepped);
extern "C" void codec_decode_stepped(unsigned long ticks);

static void ten_of(void (*function)(unsigned long))
{
	for (int i = 0; i < 10; i++)
		function(100 * spin_ticks_per_us);
}

static void nothing()
{
}

static void bare()
{
	ten_of(bare_stepped);
}

static void stepped()
{
	ten_of(span_stepped);
}

static void stepped_return()
{
	ten_of(codec_decode_stepped);
}

static void stepped_within()
{
	span_recurse(0, 0, stepped);
}

/* ---- The table --------------------------------------------------------------------------------
 */

const struct request_kind request_kinds[] = {
	{ "plain", plain },
	{ "nothing", nothing },
	{ "bare", bare },
	{ "stepped", stepped },
	{ "stepped_return", stepped_return },
	{ "stepped_within", stepped_within },
	{ "nested_functions", nested_functions },
	{ "recursion", recursion },
	{ "last_call", last_call },
	{ "long_jump", long_jump },
	{ "deep_long_jump", deep_long_jump },
	{ "repeated_long_jump", repeated_long_jump },
	{ "exception", exception },
	{ "nested_annotations", nested_annotations },
	{ "deep_annotations", deep_annotations },
	{ "annotation_in_function", annotation_in_function },
	{ "function_in_annotation", function_in_annotation },
	{ "skipped_end", skipped_end },
	{ "repeated_skipped_end", repeated_skipped_end },
	{ "skipped_inner_end", skipped_inner_end },
	{ "same_one", same_one },
	{ "same_other", same_other },
	{ nullptr, nullptr },
};

const struct request_kind *request_kind_find(const char *name)
{
	for (const struct request_kind *kind = request_kinds; kind->name; kind++)
		if (!strcmp(kind->name, name))
			return kind;
	return nullptr;
}

void background()
{
	for (;;) {
		long_jump();
		exception();
		nested_functions();
		nested_annotations();
		skipped_end();
		usleep(20000);
	}
}
