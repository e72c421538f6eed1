-- SPDX-License-Identifier: GPL-2.0
--
-- The recording of ktax (*.ktax): a SQLite 3 database. This file is its documentation, and the
-- text from which every recording is created; the comments inside the statements are kept in the
-- recording itself, so `sqlite3 x.ktax .schema` explains it without this file.
--
-- Identity. `PRAGMA application_id` is 0x6b746178 ("ktax", bytes 68..71 of the file, big-endian),
-- `PRAGMA user_version` the version of this schema. A reader refuses a higher version. An account
-- column that an older recording lacks reads as 0, as do interval.stepped and stepped_ns: that ktax
-- did not know them. So does a recording without the table arrivals.
--
-- Shape. One recording is one host. Time is cut into intervals (1 s); each has one ledger per
-- endpoint that answered requests in it. Everything of an interval is committed in one
-- transaction, so whatever a recorder died of, an interval is there completely or not at all:
--
--	interval 1 --- n ledger            counters, histograms of the total and of the floors
--	                 ledger 1 --- n account_histogram     one per account that was not always 0
--	                 ledger 1 --- n joint                 what requests of a given total consist of
--	interval 1 --- n arrivals          per endpoint: how evenly its requests arrive
--	interval 1 --- n request           sampled requests, where --requests or --slow asked for them
--	endpoint 1 --- n ledger, request
--
-- Units. Every column *_ns is in nanoseconds. Durations and request.start_ns are of
-- CLOCK_MONOTONIC; interval.start_realtime_ns is CLOCK_REALTIME (Unix epoch).
--
-- Histograms (columns "histogram", "total", "floor_*") are HdrHistogram V2, compressed: bytes
-- 1c 84 93 14, length, zlib stream; 3 significant digits, 1 ns to 1 h. Base64 of a blob is what
-- stands in a .hlog line. The kernel counts in buckets of 1.6 %; each count stands here at its
-- bucket's midpoint, except the interval's slowest request, which stands at its exact time.
-- Sums, means and shares do not come from histograms: they are exact, in the table joint.
--
-- Journal. The journal mode is DELETE, not WAL: the one file is the recording, a copy of it is a
-- copy of the recording, and no write permission is needed to read it. A recorder that was killed
-- within a commit leaves x.ktax-journal beside x.ktax: keep the two together. ktax then reads a
-- repaired copy; sqlite3 repairs the file itself when it may write to it.

PRAGMA application_id = 0x6b746178;
PRAGMA user_version = 1;

CREATE TABLE meta (
	-- Facts about the recording and its host, as text. The keys (absent where unknown):
	--   ktax_version        version of the ktax that wrote it
	--   schema              same as user_version
	--   created             when, UTC, RFC 3339
	--   boot_time_ns        CLOCK_REALTIME - CLOCK_MONOTONIC at creation: add to request.start_ns
	--   complete            1: the recorder ended properly; 0: it runs, or was killed
	--   command             command line of the recorder
	--   role                server (requests answered) or client (requests sent)
	--   detail              full or light: the set of hooks (light cannot split some accounts)
	--   hooks               family of program types used: tp_btf, fentry, kprobe, ...
	--   interval_ns         intended length of an interval
	--   budget_pct          limit of the CPU time that tracing may take, per cent
	--   step_ns             what a single-stepped probe costs, only where there are such: median
	--                       of a measurement per interval; 95 % of these are from step_low_ns to
	--                       step_high_ns
	--   requests_sampling   which requests are in table request: none, 1/N, or slow P (percentile)
	--   probe_cost          unknown: what the programs took could not be measured (probe_ns)
	--   unseen_processes    in network namespaces that could not be looked into: not recorded
	--   merged_endpoints    listening endpoints that were recorded as one, "other endpoints"
	--   features            JSON (ktax.features/1): which services of the kernel acted on the traffic
	--                       of the endpoints when the recording began: { schema, took_ns, why (it
	--                       is incomplete, or null), endpoints[] and looked_for[] (what was looked
	--                       at, and for), features[ {feature, state, where, endpoint or null, found,
	--                       consequence, af_xdp and dpdk: kept|partly|lost|null, why} ] }; state is
	--                       found, may-apply, inherent, lacking (of the NIC) or unknown
	--   readiness           what ktax doctor found on the host at the start: JSON, ktax.doctor/1
	--   hostname, kernel, arch, cpu_model, cpus, memory_bytes    the host fingerprint, as are
	--   clocksource, mitigations, governor, virtualization       these
	--   nics                NICs that the requests may have come by, with their drivers, as in
	--                       "eth0 e1000e, eth1 ?"; none: they came by loopback or veth
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE hook (
	-- Which program fed which account, and what it cost over the whole recording.
	boundary TEXT NOT NULL,    -- the moment it marks: rx_stack, readable, ...
	account  TEXT NOT NULL,    -- account that it feeds; empty: only a boundary
	program  TEXT NOT NULL,    -- "tp_btf/sk_data_ready"; empty: none could be attached, see why
	why      TEXT NOT NULL,    -- why there is none, or what this one misses; may be empty
	run_ns   INTEGER NOT NULL, -- time spent in the program
	runs     INTEGER NOT NULL  -- of the program; of nic_stamp, nic_unstamped (no stamp) and
		-- nic_refused (a stamp that could not be right): requests that begin at such a packet
);

CREATE TABLE endpoint (
	-- A listening endpoint: the key of ledgers.
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE, -- 10.0.0.1:6379/tcp, [::]:80/tcp
	pid  INTEGER NOT NULL,     -- owner of the listening socket, 0 where unknown
	comm TEXT NOT NULL         -- its name, empty where unknown
);

CREATE TABLE interval (
	id                INTEGER PRIMARY KEY, -- 1, 2, 3, ... without a gap
	start_realtime_ns INTEGER NOT NULL,
	length_ns         INTEGER NOT NULL,
	attached_ns       INTEGER NOT NULL, -- of length_ns, probes attached (--budget)
	lost_ring         INTEGER NOT NULL, -- sampled requests that the ring buffer had no room for
	lost_map_full     INTEGER NOT NULL, -- connections not followed: table full
	missed_stamps     INTEGER NOT NULL, -- events of requests that were not seen
	clock_errors      INTEGER NOT NULL, -- negative or absurd spans
	reopened          INTEGER NOT NULL, -- dropped: open when probes were attached or detached
	stepped           INTEGER NOT NULL, -- probes of spans that the kernel single-stepped
	stepped_ns        INTEGER NOT NULL, -- of their time, moved to unknown (meta step_ns)
	probe_ns          INTEGER NOT NULL, -- run time of all BPF programs
	probe_runs        INTEGER NOT NULL, -- both 0 where that was not measured
	self_cpu_ns       INTEGER NOT NULL  -- CPU time of the recorder itself
);

CREATE TABLE ledger (
	interval      INTEGER NOT NULL REFERENCES interval (id),
	endpoint      INTEGER NOT NULL REFERENCES endpoint (id),
	requests      INTEGER NOT NULL, -- finished requests; a batch counts as one
	batches       INTEGER NOT NULL, -- of these: several pipelined requests read at once
	batched       INTEGER NOT NULL, -- requests inside the batches
	unbalanced    INTEGER NOT NULL, -- accounts did not sum to the measured total: a bug
	incomplete    INTEGER NOT NULL, -- arrival not seen (the total lacks nic_rx and kernel_rx), or end
	handed_over   INTEGER NOT NULL, -- answered by another thread than the one that read
	retransmitted INTEGER NOT NULL, -- response segments sent again
	loopback      INTEGER NOT NULL, -- came over the loopback link; 0 before Linux 5.16
	bytes_in      INTEGER NOT NULL,
	bytes_out     INTEGER NOT NULL,
	max_ns        INTEGER NOT NULL, -- slowest request, exact
	total         BLOB NOT NULL,    -- histogram of the total
	floor_tuned   BLOB NOT NULL,    -- histogram of total - what a tuned kernel could remove
	floor_bypass  BLOB NOT NULL,    -- histogram of total - what a bypass path could remove
	PRIMARY KEY (interval, endpoint)
);

CREATE TABLE account_histogram (
	-- Requests for which the account was 0 are not in its histogram: their number is
	-- ledger.requests - the histogram's count. No row: 0 for all, or not seen (see table hook).
	interval  INTEGER NOT NULL,
	endpoint  INTEGER NOT NULL,
	account   TEXT NOT NULL, -- name as in the columns of joint, without _ns
	histogram BLOB NOT NULL,
	PRIMARY KEY (interval, endpoint, account)
);

CREATE TABLE joint (
	-- Requests by their total, in cells of 6 %, and what those requests were made of: sums over
	-- the cell's requests. The accounts sum to the totals, exactly.
	interval       INTEGER NOT NULL,
	endpoint       INTEGER NOT NULL,
	lowest_ns      INTEGER NOT NULL, -- the cell: totals from here up to the next cell's
	requests       INTEGER NOT NULL,
	nic_rx_ns      INTEGER NOT NULL, -- NIC's stamp or interrupt, or peer's transmit -> handed to the stack
	kernel_rx_ns   INTEGER NOT NULL, -- handed to the stack -> socket readable
	wakeup_ns      INTEGER NOT NULL, -- socket readable -> the reading thread runs
	app_queue_ns   INTEGER NOT NULL, -- readable -> read, thread busy with other work
	copy_rx_ns     INTEGER NOT NULL, -- in the receive call, copying
	app_ns         INTEGER NOT NULL, -- on CPU in user code
	app_kernel_ns  INTEGER NOT NULL, -- on CPU in the kernel outside the socket calls
	serialize_ns   INTEGER NOT NULL, -- in a function of the serialization catalogue
	tls_ns         INTEGER NOT NULL, -- in TLS library calls
	gc_ns          INTEGER NOT NULL, -- stop-the-world pause of the runtime
	hop_ns         INTEGER NOT NULL, -- blocked on a downstream connection
	lock_ns        INTEGER NOT NULL, -- blocked on a futex or handed to another thread
	io_ns          INTEGER NOT NULL, -- blocked on disk I/O
	wait_ns        INTEGER NOT NULL, -- blocked on anything else
	preempt_ns     INTEGER NOT NULL, -- runnable but not running; softirq, irq and steal time
	kernel_tx_ns   INTEGER NOT NULL, -- send call -> queueing discipline
	qdisc_ns       INTEGER NOT NULL, -- in the queueing discipline
	cwnd_ns        INTEGER NOT NULL, -- response waits for ACKs, send buffer or pacing
	nic_tx_ns      INTEGER NOT NULL, -- given to the driver -> completion
	unknown_ns     INTEGER NOT NULL, -- what no probe explains
	-- How application CPU time splits, by sampling: samples that hit user and kernel mode.
	cpu_samples_user   INTEGER NOT NULL,
	cpu_samples_kernel INTEGER NOT NULL,
	PRIMARY KEY (interval, endpoint, lowest_ns)
) WITHOUT ROWID;

CREATE TABLE arrivals (
	-- Requests by when they arrive, counted in windows of several lengths (1 ms to 1 s). Only
	-- windows that were watched from end to end are in it, and sums of theirs: the variance of
	-- the requests per window is squares / windows - (requests / windows)^2. A window belongs to
	-- the interval in which it was read, a second or so after its time.
	interval  INTEGER NOT NULL REFERENCES interval (id),
	endpoint  INTEGER NOT NULL REFERENCES endpoint (id),
	window_ns INTEGER NOT NULL, -- length
	windows   INTEGER NOT NULL, -- number of them
	requests  INTEGER NOT NULL, -- that arrived in them; a batch counts as one
	squares   INTEGER NOT NULL, -- sum of the squares of the requests per window
	peak      INTEGER NOT NULL, -- most requests in one window
	PRIMARY KEY (interval, endpoint, window_ns)
) WITHOUT ROWID;

CREATE TABLE request (
	-- One request each, as sampled by --requests or --slow.
	id             INTEGER PRIMARY KEY,
	interval       INTEGER NOT NULL, -- in which it was taken from the ring buffer
	endpoint       INTEGER NOT NULL,
	start_ns       INTEGER NOT NULL, -- CLOCK_MONOTONIC; + meta boot_time_ns: Unix epoch
	total_ns       INTEGER NOT NULL,
	-- Its accounts, as in joint; they sum to total_ns.
	nic_rx_ns      INTEGER NOT NULL,
	kernel_rx_ns   INTEGER NOT NULL,
	wakeup_ns      INTEGER NOT NULL,
	app_queue_ns   INTEGER NOT NULL,
	copy_rx_ns     INTEGER NOT NULL,
	app_ns         INTEGER NOT NULL,
	app_kernel_ns  INTEGER NOT NULL,
	serialize_ns   INTEGER NOT NULL,
	tls_ns         INTEGER NOT NULL,
	gc_ns          INTEGER NOT NULL,
	hop_ns         INTEGER NOT NULL,
	lock_ns        INTEGER NOT NULL,
	io_ns          INTEGER NOT NULL,
	wait_ns        INTEGER NOT NULL,
	preempt_ns     INTEGER NOT NULL,
	kernel_tx_ns   INTEGER NOT NULL,
	qdisc_ns       INTEGER NOT NULL,
	cwnd_ns        INTEGER NOT NULL,
	nic_tx_ns      INTEGER NOT NULL,
	unknown_ns     INTEGER NOT NULL,
	bytes_in       INTEGER NOT NULL,
	bytes_out      INTEGER NOT NULL,
	tid_read       INTEGER NOT NULL, -- thread that read the request
	tid_write      INTEGER NOT NULL, -- thread that wrote the response
	batch          INTEGER NOT NULL, -- pipelined requests in it, 1: not a batch, 0: unknown
	peer_port      INTEGER NOT NULL,
	-- Sum of: 1 batch, 2 incomplete (arrival or end not seen), 4 handed_over (another thread answered),
	-- 8 async (some of the response left outside of the send call), 16 retransmitted,
	-- 32 unbalanced, 64 partial_read (read in more than one call), 128 nic_stamp (begins at its
	-- NIC's stamp), 256 loopback (came over the loopback link). View requests has the names.
	flags          INTEGER NOT NULL
);

-- ---- Views: for people with sqlite3 (examples in docs/recording.md); ktax reads none of them --

CREATE VIEW intervals AS
	-- One row per second: load, losses, and what tracing cost.
	SELECT i.id AS interval,
		strftime('%Y-%m-%d %H:%M:%f', i.start_realtime_ns / 1e9, 'unixepoch') AS start_utc,
		i.length_ns / 1e9 AS seconds,
		round(1.0 * i.attached_ns / max(i.length_ns, 1), 3) AS attached_share,
		(SELECT coalesce(sum(requests), 0) FROM ledger WHERE interval = i.id) AS requests,
		i.lost_ring + i.lost_map_full AS lost,
		i.missed_stamps + i.clock_errors AS errors,
		round(1.0 * (i.probe_ns + i.self_cpu_ns) / max(i.length_ns, 1), 5) AS own_cpu_share
	FROM interval i;

CREATE VIEW account_sums AS
	-- The table joint turned by 90 degrees: one row per endpoint and account.
	WITH s AS (
		SELECT endpoint, sum(requests) AS requests,
			sum(nic_rx_ns) AS nic_rx, sum(kernel_rx_ns) AS kernel_rx, sum(wakeup_ns) AS wakeup,
			sum(app_queue_ns) AS app_queue, sum(copy_rx_ns) AS copy_rx, sum(app_ns) AS app,
			sum(app_kernel_ns) AS app_kernel, sum(serialize_ns) AS serialize, sum(tls_ns) AS tls,
			sum(gc_ns) AS gc, sum(hop_ns) AS hop, sum(lock_ns) AS lock,
			sum(io_ns) AS io, sum(wait_ns) AS wait, sum(preempt_ns) AS preempt,
			sum(kernel_tx_ns) AS kernel_tx, sum(qdisc_ns) AS qdisc, sum(cwnd_ns) AS cwnd,
			sum(nic_tx_ns) AS nic_tx, sum(unknown_ns) AS unknown
		FROM joint GROUP BY endpoint)
	SELECT endpoint, requests, 0 AS position, 'nic_rx' AS account, nic_rx AS sum_ns FROM s
	UNION ALL SELECT endpoint, requests, 1, 'kernel_rx', kernel_rx FROM s
	UNION ALL SELECT endpoint, requests, 2, 'wakeup', wakeup FROM s
	UNION ALL SELECT endpoint, requests, 3, 'app_queue', app_queue FROM s
	UNION ALL SELECT endpoint, requests, 4, 'copy_rx', copy_rx FROM s
	UNION ALL SELECT endpoint, requests, 5, 'app', app FROM s
	UNION ALL SELECT endpoint, requests, 6, 'app_kernel', app_kernel FROM s
	UNION ALL SELECT endpoint, requests, 7, 'serialize', serialize FROM s
	UNION ALL SELECT endpoint, requests, 8, 'tls', tls FROM s
	UNION ALL SELECT endpoint, requests, 9, 'gc', gc FROM s
	UNION ALL SELECT endpoint, requests, 10, 'hop', hop FROM s
	UNION ALL SELECT endpoint, requests, 11, 'lock', lock FROM s
	UNION ALL SELECT endpoint, requests, 12, 'io', io FROM s
	UNION ALL SELECT endpoint, requests, 13, 'wait', wait FROM s
	UNION ALL SELECT endpoint, requests, 14, 'preempt', preempt FROM s
	UNION ALL SELECT endpoint, requests, 15, 'kernel_tx', kernel_tx FROM s
	UNION ALL SELECT endpoint, requests, 16, 'qdisc', qdisc FROM s
	UNION ALL SELECT endpoint, requests, 17, 'cwnd', cwnd FROM s
	UNION ALL SELECT endpoint, requests, 18, 'nic_tx', nic_tx FROM s
	UNION ALL SELECT endpoint, requests, 19, 'unknown', unknown FROM s;

CREATE VIEW accounts AS
	-- What the requests of an endpoint are made of, in the order in which a request meets it.
	SELECT e.name AS endpoint, a.account,
		round(1.0 * a.sum_ns / max(sum(a.sum_ns) OVER (PARTITION BY a.endpoint), 1), 4) AS share,
		round(1.0 * a.sum_ns / max(a.requests, 1), 1) AS mean_ns,
		a.sum_ns
	FROM account_sums a JOIN endpoint e ON e.id = a.endpoint
	ORDER BY e.name, a.position;

CREATE VIEW endpoints AS
	-- One row per endpoint over the whole recording.
	SELECT e.name AS endpoint, e.pid, e.comm, sum(l.requests) AS requests,
		round(1e9 * sum(l.requests) / max((SELECT sum(attached_ns) FROM interval), 1), 1)
			AS per_second,
		(SELECT round(1.0 * sum(a.sum_ns) / max(a.requests, 1), 1) FROM account_sums a
			WHERE a.endpoint = e.id) AS mean_ns,
		max(l.max_ns) AS max_ns,
		sum(l.batches) AS batches, sum(l.incomplete) AS incomplete,
		sum(l.handed_over) AS handed_over, sum(l.unbalanced) AS unbalanced,
		sum(l.bytes_in) AS bytes_in, sum(l.bytes_out) AS bytes_out
	FROM endpoint e JOIN ledger l ON l.endpoint = e.id
	GROUP BY e.id ORDER BY requests DESC;

CREATE VIEW cells AS
	-- The joint table over the whole recording. up_to is the share of requests in this cell and
	-- the faster ones: WHERE up_to > 0.99 is (at the cells' resolution) the slowest 1 %.
	SELECT e.name AS endpoint, c.*,
		1.0 * sum(c.requests) OVER (PARTITION BY c.id ORDER BY c.lowest_ns)
			/ sum(c.requests) OVER (PARTITION BY c.id) AS up_to
	FROM (SELECT endpoint AS id, lowest_ns, sum(requests) AS requests,
			sum(nic_rx_ns) AS nic_rx_ns, sum(kernel_rx_ns) AS kernel_rx_ns, sum(wakeup_ns) AS wakeup_ns,
			sum(app_queue_ns) AS app_queue_ns, sum(copy_rx_ns) AS copy_rx_ns, sum(app_ns) AS app_ns,
			sum(app_kernel_ns) AS app_kernel_ns, sum(serialize_ns) AS serialize_ns,
			sum(tls_ns) AS tls_ns,
			sum(gc_ns) AS gc_ns, sum(hop_ns) AS hop_ns, sum(lock_ns) AS lock_ns,
			sum(io_ns) AS io_ns, sum(wait_ns) AS wait_ns, sum(preempt_ns) AS preempt_ns,
			sum(kernel_tx_ns) AS kernel_tx_ns, sum(qdisc_ns) AS qdisc_ns, sum(cwnd_ns) AS cwnd_ns,
			sum(nic_tx_ns) AS nic_tx_ns, sum(unknown_ns) AS unknown_ns,
			sum(cpu_samples_user) AS cpu_samples_user,
			sum(cpu_samples_kernel) AS cpu_samples_kernel
		FROM joint GROUP BY endpoint, lowest_ns) c
	JOIN endpoint e ON e.id = c.id
	ORDER BY e.name, c.lowest_ns;

CREATE VIEW requests AS
	-- The sampled requests, with names instead of numbers.
	SELECT r.id, e.name AS endpoint,
		strftime('%Y-%m-%d %H:%M:%f', (r.start_ns + coalesce((SELECT CAST(value AS INTEGER)
			FROM meta WHERE key = 'boot_time_ns'), 0)) / 1e9, 'unixepoch') AS start_utc,
		r.total_ns,
		r.nic_rx_ns, r.kernel_rx_ns, r.wakeup_ns, r.app_queue_ns, r.copy_rx_ns,
		r.app_ns, r.app_kernel_ns, r.serialize_ns, r.tls_ns, r.gc_ns,
		r.hop_ns, r.lock_ns, r.io_ns, r.wait_ns, r.preempt_ns,
		r.kernel_tx_ns, r.qdisc_ns, r.cwnd_ns, r.nic_tx_ns, r.unknown_ns,
		r.bytes_in, r.bytes_out, r.tid_read, r.tid_write, r.batch, r.peer_port,
		rtrim(CASE WHEN r.flags & 1 THEN 'batch ' ELSE '' END
			|| CASE WHEN r.flags & 2 THEN 'incomplete ' ELSE '' END
			|| CASE WHEN r.flags & 4 THEN 'handed_over ' ELSE '' END
			|| CASE WHEN r.flags & 8 THEN 'async ' ELSE '' END
			|| CASE WHEN r.flags & 16 THEN 'retransmitted ' ELSE '' END
			|| CASE WHEN r.flags & 32 THEN 'unbalanced ' ELSE '' END
			|| CASE WHEN r.flags & 64 THEN 'partial_read ' ELSE '' END
			|| CASE WHEN r.flags & 128 THEN 'nic_stamp ' ELSE '' END
			|| CASE WHEN r.flags & 256 THEN 'loopback ' ELSE '' END) AS flags
	FROM request r JOIN endpoint e ON e.id = r.endpoint
	ORDER BY r.start_ns;
