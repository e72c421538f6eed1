/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Placement on functions written in assembly, so that every byte is known. They lie in a section of
 * their own, which is the only code that the decoder gets to see, and are never executed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "placement.h"

#define FIXTURE(name, body)                                                                        \
	__asm__(".pushsection .text.fixtures,\"ax\",@progbits\n"                                   \
	        ".globl " #name "\n" #name ":\n" body "\n.globl " #name "_end\n" #name "_end:\n"   \
	        ".popsection\n");                                                                  \
	extern const uint8_t name[], name##_end[]

__asm__(".pushsection .text.fixtures,\"ax\",@progbits\n.globl fixtures\nfixtures:\n"
        ".popsection\n");
extern const uint8_t fixtures[];

FIXTURE(worker, "push %rbx\n mov %rdi,%rbx\n call worker\n pop %rbx\n ret");
FIXTURE(pushes, "push %rbp\n mov %rsp,%rbp\n call worker\n pop %rbp\n ret");
FIXTURE(endbr_push, "endbr64\n push %r12\n call worker\n pop %r12\n ret");
FIXTURE(wrapper, "endbr64\n sub $8,%rsp\n call worker\n add $8,%rsp\n ret");
FIXTURE(wrapper_twice, "sub $8,%rsp\n call worker\n call worker\n add $8,%rsp\n ret");
FIXTURE(wrapper_recursive, "sub $8,%rsp\n call wrapper_recursive\n add $8,%rsp\n ret");
FIXTURE(tail_wrapper, "sub $8,%rsp\n test %rdi,%rdi\n je 1f\n add $8,%rsp\n jmp worker\n"
                      "1: call pushes\n add $8,%rsp\n ret");
FIXTURE(leaf, "mov %rdi,%rax\n ret");
FIXTURE(only_ret, "ret");
FIXTURE(early_return, "test %rdi,%rdi\n je 1f\n push %rbx\n call worker\n pop %rbx\n 1: ret");
FIXTURE(loops_to_entry, "loops_to_entry_1: dec %rdi\n jne loops_to_entry_1\n call worker\n ret");
FIXTURE(loops_to_branch, "sub $8,%rsp\n 1: dec %rdi\n jne 1b\n call worker\n add $8,%rsp\n ret");
FIXTURE(jumps_at_once, "jmp worker");
FIXTURE(protected, "sub $24,%rsp\n mov %fs:40,%rax\n mov %rax,8(%rsp)\n test %edx,%edx\n js 2f\n"
                   "call worker\n test %eax,%eax\n protected_1: jle 1f\n mov (%rsp),%eax\n"
                   "1: mov 8(%rsp),%rdx\n sub %fs:40,%rdx\n jne 3f\n add $24,%rsp\n ret\n"
                   "2: call worker\n protected_2: jmp 1b\n 3: call stub_chk_fail");
extern const uint8_t protected_1[], protected_2[];
FIXTURE(stub_chk_fail, "endbr64\n jmp *slots(%rip)");
FIXTURE(aborts_midway, "sub $8,%rsp\n test %edi,%edi\n jne 1f\n call worker\n test %eax,%eax\n"
                       "aborts_midway_1: jne 2f\n nop\n 2: add $8,%rsp\n ret\n"
                       "1: call stub_chk_fail\n jmp 2b");
extern const uint8_t aborts_midway_1[];
FIXTURE(hot, "sub $8,%rsp\n test %edi,%edi\n jne cold\n call worker\n hot_back: test %eax,%eax\n"
             "hot_1: jne 1f\n xor %eax,%eax\n 1: add $8,%rsp\n ret");
extern const uint8_t hot_1[];
FIXTURE(cold, "call worker\n jmp hot_back");
FIXTURE(frame, "push %rbp\n mov %rsp,%rbp\n sub $48,%rsp\n and $-32,%rsp\n call worker\n"
               "lea -16(%rbp),%rsp\n test %eax,%eax\n frame_1: je 1f\n nop\n 1: leave\n ret");
extern const uint8_t frame_1[];
FIXTURE(table, "push %rbx\n movslq (%rax,%rdi,4),%rdi\n add %rax,%rdi\n jmp *%rdi");
FIXTURE(table_unpushed, "cmp $3,%rdi\n ja 1f\n jmp *(%rax,%rdi,8)\n 1: ret");
FIXTURE(leaves, "sub $8,%rsp\n call worker\n add $8,%rsp\n jmp *slots+8(%rip)");
FIXTURE(stays, "mov %rsi,%rdi\n jmp *slots+16(%rip)");
FIXTURE(returns_plainly, "push %rbx\n call worker\n pop %rbx\n returns_plainly_1: ret");
extern const uint8_t returns_plainly_1[];
FIXTURE(never_returns, "push %rbx\n call stub_chk_fail");
FIXTURE(string_loop, "sub $8,%rsp\n call worker\n test %eax,%eax\n jne 1f\n rep stosb\n"
                     "1: add $8,%rsp\n ret");
FIXTURE(garbage, ".byte 0x06, 0x07, 0x0e");
FIXTURE(slots, ".skip 32");
FIXTURE(fixtures_last, "ret");

/* ---- the source of code ---- */

static uint64_t address(const uint8_t *code)
{
	return (uint64_t)(uintptr_t)code;
}

static size_t read_fixture(void *context, uint64_t vaddr, uint8_t *bytes, size_t n)
{
	const uint64_t end = address(fixtures_last_end);

	if (vaddr < address(fixtures) || vaddr >= end)
		return 0;
	n = n < end - vaddr ? n : end - vaddr;
	memcpy(bytes, (const void *)(uintptr_t)vaddr, n);
	return n;
}

static const char *import_fixture(void *context, uint64_t slot, uint64_t *ret_vaddr)
{
	*ret_vaddr = 0;
	if (slot == address(slots))
		return "__stack_chk_fail";
	if (slot == address(slots) + 8)
		return "of_another_library";
	if (slot != address(slots) + 16)
		return NULL;
	*ret_vaddr = address(worker);
	return "worker";
}

static const struct code_source source = { .read = read_fixture, .import = import_fixture };
static const char *reason;

static int try_place(const uint8_t *begin, const uint8_t *end, bool throws, struct placement *ret)
{
	reason = NULL;
	return placement_choose(&source, address(begin), (uint64_t)(end - begin), throws, ret,
	                        &reason);
}

static struct placement place(const uint8_t *begin, const uint8_t *end, bool throws)
{
	struct placement placement;

	assert_int_equal(try_place(begin, end, throws, &placement), 0);
	return placement;
}

#define PLACE(name)                    place(name, name##_end, false)
#define PLACE_THROWS(name)             place(name, name##_end, true)
#define ASSERT_AT(vaddr, name, offset) assert_int_equal(vaddr, address(name) + (offset))

static void assert_single_stepped_at_entry(const struct placement *placement, const uint8_t *entry)
{
	assert_true(placement->enter_vaddr == address(entry));
	assert_true(placement->single_stepped);
	assert_true(placement->use_uretprobe);
	assert_int_equal(placement->sp_delta, 0);
}

/* ---- enter ---- */

static void a_function_that_pushes_is_probed_at_its_first_byte(void **state)
{
	struct placement placement = PLACE(pushes);

	ASSERT_AT(placement.enter_vaddr, pushes, 0);
	assert_true(placement.use_uretprobe);
	assert_false(placement.single_stepped);
}

static void the_landing_marker_is_skipped(void **state)
{
	struct placement placement = PLACE(endbr_push);

	ASSERT_AT(placement.enter_vaddr, endbr_push, 4);
	assert_true(placement.use_uretprobe);
	assert_int_equal(placement.sp_delta, 0);
}

static void an_early_conditional_return_is_probed_at_its_branch(void **state)
{
	struct placement placement = PLACE(early_return);

	ASSERT_AT(placement.enter_vaddr, early_return, 3);
	assert_true(placement.use_uretprobe);
	assert_false(placement.single_stepped);
}

static void a_leaf_without_emulated_instructions_is_single_stepped(void **state)
{
	struct placement placement = PLACE(leaf);

	assert_single_stepped_at_entry(&placement, leaf);
}

static void a_function_of_one_byte_is_single_stepped(void **state)
{
	struct placement placement = PLACE(only_ret);

	assert_single_stepped_at_entry(&placement, only_ret);
}

static void a_branch_of_a_loop_is_no_place_to_enter(void **state)
{
	struct placement first = PLACE(loops_to_entry), second = PLACE(loops_to_branch);

	assert_single_stepped_at_entry(&first, loops_to_entry);
	assert_single_stepped_at_entry(&second, loops_to_branch);
}

static void a_jump_to_the_real_function_is_probed_itself(void **state)
{
	struct placement placement = PLACE(jumps_at_once);

	ASSERT_AT(placement.enter_vaddr, jumps_at_once, 0);
	assert_true(placement.use_uretprobe);
	assert_false(placement.single_stepped);
}

static void behind_a_jump_table_only_a_saved_register_is_trusted(void **state)
{
	struct placement saved = PLACE(table), unsaved = PLACE(table_unpushed);

	ASSERT_AT(saved.enter_vaddr, table, 0);
	assert_false(saved.single_stepped);
	assert_single_stepped_at_entry(&unsaved, table_unpushed);
}

/* ---- exits ---- */

static void the_last_branch_stands_in_for_the_return(void **state)
{
	struct placement placement = PLACE(protected);

	ASSERT_AT(placement.enter_vaddr, protected, 4 + 9 + 5 + 2);
	assert_int_equal(placement.sp_delta, 24);
	assert_false(placement.use_uretprobe);
	assert_false(placement.single_stepped || placement.exit_single_stepped);
	assert_int_equal(placement.nexits, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(placement.exits[i].vaddr == address(protected_1) ||
		            placement.exits[i].vaddr == address(protected_2));
		assert_int_equal(placement.exits[i].sp_delta, 24);
		assert_false(placement.exits[i].use_uretprobe);
	}
}

static void what_follows_a_call_that_never_returns_does_not_count(void **state)
{
	struct placement placement = PLACE(aborts_midway);

	assert_int_equal(placement.nexits, 1);
	ASSERT_AT(placement.exits[0].vaddr, aborts_midway_1, 0);
}

static void a_cold_fragment_belongs_to_the_function(void **state)
{
	struct placement placement = PLACE(hot);

	ASSERT_AT(placement.enter_vaddr, hot, 4 + 2);
	assert_int_equal(placement.nexits, 2); /* on the way through the fragment, and past it */
	for (size_t i = 0; i < 2; i++) {
		assert_true(placement.exits[i].vaddr == address(hot_1) ||
		            placement.exits[i].vaddr == address(cold) + 5);
		assert_int_equal(placement.exits[i].sp_delta, 8);
	}
}

static void a_wrapper_is_left_through_what_it_calls_last(void **state)
{
	struct placement placement = PLACE(wrapper);

	ASSERT_AT(placement.enter_vaddr, wrapper, 8);
	assert_int_equal(placement.sp_delta, 8);
	assert_int_equal(placement.nexits, 1);
	ASSERT_AT(placement.exits[0].vaddr, worker, 0);
	assert_true(placement.exits[0].use_uretprobe);
	assert_int_equal(placement.exits[0].sp_delta, 16);
}

static void a_tail_call_is_left_through_its_callee(void **state)
{
	struct placement placement = PLACE(tail_wrapper);

	ASSERT_AT(placement.enter_vaddr, tail_wrapper, 7);
	assert_int_equal(placement.sp_delta, 8);
	assert_int_equal(placement.nexits, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct placement_exit *exit = &placement.exits[i];
		bool is_tail_call = exit->vaddr == address(worker);

		assert_true(exit->use_uretprobe);
		assert_true(is_tail_call || exit->vaddr == address(pushes));
		assert_int_equal(exit->sp_delta, is_tail_call ? 0 : 16);
	}
}

static void a_wrapper_that_calls_twice_is_not_left_after_the_first_call(void **state)
{
	struct placement twice = PLACE(wrapper_twice), recursive = PLACE(wrapper_recursive);

	assert_single_stepped_at_entry(&twice, wrapper_twice);
	assert_single_stepped_at_entry(&recursive, wrapper_recursive);
}

static void a_string_instruction_is_not_a_cheap_way_out(void **state)
{
	struct placement placement = PLACE(string_loop);

	assert_single_stepped_at_entry(&placement, string_loop);
}

/* ---- functions that throw ---- */

static void a_function_that_throws_has_no_uretprobe(void **state)
{
	struct placement placement = PLACE_THROWS(returns_plainly);

	assert_false(placement.use_uretprobe);
	assert_int_equal(placement.nexits, 1);
	ASSERT_AT(placement.exits[0].vaddr, returns_plainly_1, 0);
	assert_int_equal(placement.exits[0].sp_delta, 0);
	assert_false(placement.exits[0].use_uretprobe);
	assert_true(placement.exit_single_stepped);
	assert_true(placement.exits[0].single_stepped);
}

static void the_frame_pointer_tells_how_deep_the_stack_is(void **state)
{
	struct placement placement = PLACE_THROWS(frame);

	assert_int_equal(placement.nexits, 1);
	ASSERT_AT(placement.exits[0].vaddr, frame_1, 0);
	assert_int_equal(placement.exits[0].sp_delta, 8 + 16);
	assert_false(placement.exit_single_stepped);
	assert_false(placement.exits[0].single_stepped);
}

static void a_tail_call_within_the_file_is_followed(void **state)
{
	struct placement placement = PLACE_THROWS(stays);

	assert_int_equal(placement.nexits, 1);
	assert_true(placement.exits[0].vaddr == address(worker_end) - 1);
}

static void a_function_that_throws_is_refused_where_exits_cannot_be_found(void **state)
{
	struct placement placement;

	assert_int_equal(try_place(table, table_end, true, &placement), -EOPNOTSUPP);
	assert_string_equal(reason, "its code has jumps that cannot be followed");
	assert_int_equal(try_place(leaves, leaves_end, true, &placement), -EOPNOTSUPP);
	assert_string_equal(reason, "it ends in a jump to another library");
	assert_int_equal(try_place(never_returns, never_returns_end, true, &placement),
	                 -EOPNOTSUPP);
	assert_string_equal(reason, "it never returns");
	assert_int_equal(try_place(garbage, garbage_end, true, &placement), -EOPNOTSUPP);
	assert_string_equal(reason, "its code does not decode");
}

static void a_jump_to_another_library_leaves_the_uretprobe_at_the_entry(void **state)
{
	struct placement placement = PLACE(leaves);

	assert_single_stepped_at_entry(&placement, leaves);
}

/* ---- hostile code ---- */

static size_t read_noise(void *context, uint64_t vaddr, uint8_t *bytes, size_t n)
{
	uint64_t mix = vaddr / 64 + *(const uint64_t *)context;

	for (size_t i = 0; i < n; i++) {
		mix = (mix ^ (vaddr + i)) * 0x9e3779b97f4a7c15ULL;
		bytes[i] = (uint8_t)(mix >> 56);
	}
	return n;
}

static void any_bytes_are_placed_or_refused(void **state)
{
	for (uint64_t seed = 0; seed < 300; seed++) {
		const struct code_source noise = {
			.context = &seed,
			.read = read_noise,
			.import = import_fixture,
		};
		struct placement placement;
		int err = placement_choose(&noise, seed * 1000, seed % 100, seed & 1, &placement,
		                           &reason);

		assert_true(!err || err == -EOPNOTSUPP);
		if (!err)
			assert_true(placement.use_uretprobe || placement.nexits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_that_pushes_is_probed_at_its_first_byte),
		cmocka_unit_test(the_landing_marker_is_skipped),
		cmocka_unit_test(an_early_conditional_return_is_probed_at_its_branch),
		cmocka_unit_test(a_leaf_without_emulated_instructions_is_single_stepped),
		cmocka_unit_test(a_function_of_one_byte_is_single_stepped),
		cmocka_unit_test(a_branch_of_a_loop_is_no_place_to_enter),
		cmocka_unit_test(a_jump_to_the_real_function_is_probed_itself),
		cmocka_unit_test(behind_a_jump_table_only_a_saved_register_is_trusted),
		cmocka_unit_test(the_last_branch_stands_in_for_the_return),
		cmocka_unit_test(what_follows_a_call_that_never_returns_does_not_count),
		cmocka_unit_test(a_cold_fragment_belongs_to_the_function),
		cmocka_unit_test(a_wrapper_is_left_through_what_it_calls_last),
		cmocka_unit_test(a_tail_call_is_left_through_its_callee),
		cmocka_unit_test(a_wrapper_that_calls_twice_is_not_left_after_the_first_call),
		cmocka_unit_test(a_string_instruction_is_not_a_cheap_way_out),
		cmocka_unit_test(a_function_that_throws_has_no_uretprobe),
		cmocka_unit_test(the_frame_pointer_tells_how_deep_the_stack_is),
		cmocka_unit_test(a_tail_call_within_the_file_is_followed),
		cmocka_unit_test(a_function_that_throws_is_refused_where_exits_cannot_be_found),
		cmocka_unit_test(a_jump_to_another_library_leaves_the_uretprobe_at_the_entry),
		cmocka_unit_test(any_bytes_are_placed_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
