// SPDX-License-Identifier: GPL-2.0
/* analyze/lost_features: what is lost, read from a recording that nobody vouches for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lost_features.h"
#include "recording.h"

#define HEAD                                                                                       \
	"{\"schema\":\"ktax.features/1\",\"took_ns\":12,\"why\":null,"                             \
	"\"endpoints\":[\"10.0.0.1:80/tcp\"],\"looked_for\":[\"nftables\",\"xdp\"],\"features\":["
#define FOUND                                                                                      \
	"{\"feature\":\"nftables\",\"state\":\"found\",\"where\":\"inet filter input\","           \
	"\"endpoint\":\"10.0.0.1:80/tcp\",\"found\":\"1 rule\",\"consequence\":\"It is gone.\","   \
	"\"af_xdp\":\"partly\",\"dpdk\":\"lost\",\"why\":null}"
#define UNKNOWN                                                                                    \
	"{\"feature\":\"xdp\",\"state\":\"unknown\",\"where\":\"eth0\",\"endpoint\":null,"         \
	"\"found\":null,\"consequence\":\"It is gone.\",\"af_xdp\":\"lost\",\"dpdk\":\"lost\","    \
	"\"why\":\"not permitted\"}"
#define LACKING                                                                                    \
	"{\"feature\":\"rdma\",\"state\":\"lacking\",\"where\":\"eth0\",\"endpoint\":null,"        \
	"\"found\":\"no RDMA device\",\"consequence\":\"No verbs.\",\"af_xdp\":null,"              \
	"\"dpdk\":null,\"why\":null}"

static void test_reads_what_the_recorder_writes(void **state)
{
	struct features *features = NULL;

	assert_int_equal(features_parse(HEAD FOUND "," UNKNOWN "," LACKING "]}", &features), 0);
	assert_int_equal(features->took_ns, 12);
	assert_null(features->why);
	assert_int_equal(features->n_looked_for, 2);
	assert_string_equal(features->looked_for[1], "xdp");
	assert_int_equal(features->n, 3);
	assert_int_equal(features->features[0].state, FEATURE_FOUND);
	assert_int_equal(features->features[0].af_xdp, FEATURE_PARTLY);
	assert_int_equal(features->features[0].dpdk, FEATURE_LOST);
	assert_string_equal(features->features[0].found, "1 rule");
	assert_int_equal(features->features[1].state, FEATURE_UNKNOWN);
	assert_string_equal(features->features[1].why, "not permitted");
	assert_null(features->features[1].found);
	assert_int_equal(features->features[2].af_xdp, FEATURE_NO_FATE);
	features_free(features);
}

static void test_tells_whom_a_feature_concerns(void **state)
{
	struct features *features = NULL;

	assert_int_equal(features_parse(HEAD FOUND "," UNKNOWN "]}", &features), 0);
	assert_true(features_looked_at(features, "10.0.0.1:80/tcp"));
	assert_false(features_looked_at(features, "10.0.0.1:81/tcp"));
	assert_true(feature_concerns(&features->features[0], "10.0.0.1:80/tcp"));
	assert_false(feature_concerns(&features->features[0], "10.0.0.1:81/tcp"));
	assert_true(feature_concerns(&features->features[1], "10.0.0.1:81/tcp"));
	features_free(features);
}

static void test_an_older_recording_has_none(void **state)
{
	struct recording recording = {};
	struct recording_meta meta = { "features", HEAD "]}" };
	struct features *features = NULL;

	assert_int_equal(features_read(&recording, &features), -ENODATA);
	recording.meta = &meta;
	recording.n_meta = 1;
	assert_int_equal(features_read(&recording, &features), 0);
	assert_int_equal(features->n, 0);
	features_free(features);
}

static void test_a_later_schema_is_refused(void **state)
{
	struct features *features = NULL;

	assert_int_equal(features_parse("{\"schema\":\"ktax.features/2\"}", &features), -EPROTO);
	assert_int_equal(features_parse("{\"schema\":\"ktax.ab/1\"}", &features), -EBADMSG);
}

static void refused(const char *json)
{
	struct features *features = NULL;

	assert_int_equal(features_parse(json, &features), -EBADMSG);
	assert_null(features);
}

static void test_nonsense_is_refused(void **state)
{
	refused("");
	refused("[]");
	refused("null");
	refused(HEAD);
	refused(HEAD "7]}");
	refused(HEAD "{}]}");
	refused(HEAD "[" FOUND "]]}");
	refused("{\"schema\":\"ktax.features/1\",\"endpoints\":[7],\"looked_for\":[],"
	        "\"features\":[]}");
	refused("{\"schema\":\"ktax.features/1\",\"endpoints\":[],\"looked_for\":{},"
	        "\"features\":[]}");
	refused("{\"schema\":\"ktax.features/1\",\"endpoints\":[],\"looked_for\":[]}");
	/* A control character, that a terminal would obey. */
	refused("{\"schema\":\"ktax.features/1\",\"endpoints\":[\"\\u001b[2J\"],"
	        "\"looked_for\":[],\"features\":[]}");
}

/* Replaces the first @from of a good document by @to. */
static void refused_with(const char *from, const char *to)
{
	static const char good[] = HEAD FOUND "," UNKNOWN "," LACKING "]}";
	const char *at = strstr(good, from);
	char json[sizeof(good) + 64];

	assert_non_null(at);
	snprintf(json, sizeof(json), "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
	refused(json);
}

static void test_each_field_is_checked(void **state)
{
	refused_with("\"state\":\"found\"", "\"state\":\"lost\"");
	refused_with("\"state\":\"found\"", "\"state\":null");
	refused_with("\"af_xdp\":\"partly\"", "\"af_xdp\":\"most\"");
	refused_with("\"dpdk\":\"lost\"", "\"dpdk\":3");
	refused_with("\"found\":\"1 rule\"", "\"found\":null");
	refused_with("\"found\":\"1 rule\"", "\"found\":[]");
	refused_with("\"why\":\"not permitted\"", "\"why\":null");
	refused_with("\"consequence\":\"It is gone.\"", "\"consequence\":null");
	refused_with("\"where\":\"eth0\"", "\"where\":{}");
	refused_with("\"feature\":\"xdp\"", "\"what\":\"xdp\"");
	refused_with("\"feature\":\"xdp\"", "\"feature\":\"a\",\"feature\":\"b\"");
}

static void test_every_truncation_is_refused(void **state)
{
	static const char good[] = HEAD FOUND "," UNKNOWN "]}";

	for (size_t length = 0; length < sizeof(good) - 1; length++) {
		char *cut = strndup(good, length);

		assert_non_null(cut);
		refused(cut);
		free(cut);
	}
}

static void test_flipped_bytes_do_no_harm(void **state)
{
	static const char good[] = HEAD FOUND "," UNKNOWN "," LACKING "]}";
	char json[sizeof(good)];

	for (size_t i = 0; i < sizeof(good) - 1; i++)
		for (int bit = 0; bit < 8; bit++) {
			struct features *features = NULL;

			memcpy(json, good, sizeof(good));
			json[i] ^= 1 << bit;
			if (features_parse(json, &features))
				assert_null(features);
			features_free(features);
		}
}

static void test_too_much_is_refused(void **state)
{
	char *json = malloc(FEATURES_BYTES_MAX + 2);
	size_t n;

	assert_non_null(json);
	memset(json, ' ', FEATURES_BYTES_MAX + 1);
	json[FEATURES_BYTES_MAX + 1] = '\0';
	refused(json);
	memset(json, '[', 100000);
	json[100000] = '\0';
	refused(json);
	n = sprintf(json, "{\"schema\":\"ktax.features/1\",\"endpoints\":[\"\"");
	for (unsigned i = 0; i < FEATURES_MAX; i++)
		n += sprintf(json + n, ",\"\"");
	sprintf(json + n, "],\"looked_for\":[],\"features\":[]}");
	refused(json);
	free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_the_recorder_writes),
		cmocka_unit_test(test_tells_whom_a_feature_concerns),
		cmocka_unit_test(test_an_older_recording_has_none),
		cmocka_unit_test(test_a_later_schema_is_refused),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_each_field_is_checked),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_flipped_bytes_do_no_harm),
		cmocka_unit_test(test_too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
