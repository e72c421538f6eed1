// SPDX-License-Identifier: GPL-2.0
//
// The Java half of the comparison: interop_histogram.c describes the format and what is compared.
//
//   HistogramInterop C_FILE JAVA_FILE COUNT SEED C_HLOG JAVA_HLOG EXPECTED
//
// checks C_FILE, makes JAVA_FILE, reads C_HLOG and writes it again as JAVA_HLOG.
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.Deflater;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogReader;
import org.HdrHistogram.HistogramLogWriter;

public final class HistogramInterop {
    private static final int SHAPES = 8;
    private static final int PAIRS_MAX = 600;
    private static final int PERCENTILES = 20;
    private static final double[] USUAL = { 0, 50, 90, 99, 99.9, 99.99 };

    private int failures;

    public static void main(String[] args) throws Exception {
        HistogramInterop interop = new HistogramInterop();
        interop.check(args[0]);
        interop.make(args[1], Integer.parseInt(args[2]), new Random(Long.parseLong(args[3])));
        interop.checkLog(args[4], args[5], args[6]);
        System.exit(interop.failures == 0 ? 0 : 1);
    }

    private void fail(String what) {
        if (failures++ < 10) {
            System.out.println(what);
        }
    }

    // ---- records

    static final class Record {
        int digits;
        long highest;
        long[] values;
        long[] counts;
        byte[] payload;
        byte[] compressed;
        Answers answers = new Answers();

        Histogram histogram() {
            Histogram histogram = new Histogram(1, highest, digits);
            for (int i = 0; i < values.length; i++) {
                histogram.recordValueWithCount(values[i], counts[i]);
            }
            return histogram;
        }
    }

    static final class Answers {
        long total, min, max, countValue, count;
        double mean;
        double[] percentiles;
        long[] percentileValues;

        static Answers of(Histogram histogram, double[] percentiles, long countValue) {
            Answers answers = new Answers();
            answers.total = histogram.getTotalCount();
            answers.min = histogram.getMinValue();
            answers.max = histogram.getMaxValue();
            answers.mean = histogram.getMean();
            answers.countValue = countValue;
            answers.count = histogram.getCountBetweenValues(0, countValue);
            answers.percentiles = percentiles;
            answers.percentileValues = Arrays.stream(percentiles)
                    .mapToLong(histogram::getValueAtPercentile).toArray();
            return answers;
        }

        /** In what it differs, null where it is the same. */
        String difference(Answers other) {
            if (total != other.total || min != other.min || max != other.max) {
                return "total, min or max";
            }
            if (Double.doubleToLongBits(mean) != Double.doubleToLongBits(other.mean)) {
                return "mean " + mean + " and " + other.mean;
            }
            if (count != other.count) {
                return "count up to " + countValue;
            }
            if (!Arrays.equals(percentileValues, other.percentileValues)) {
                return "percentiles " + Arrays.toString(percentileValues) + " and "
                        + Arrays.toString(other.percentileValues);
            }
            return null;
        }
    }

    private static byte[] payload(Histogram histogram) {
        ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
        return Arrays.copyOf(buffer.array(), histogram.encodeIntoByteBuffer(buffer));
    }

    private static byte[] compressed(Histogram histogram) {
        ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
        return Arrays.copyOf(buffer.array(),
                histogram.encodeIntoCompressedByteBuffer(buffer, Deflater.BEST_COMPRESSION));
    }

    private static byte[] bytes(DataInputStream in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }

    private static Record read(DataInputStream in) throws IOException {
        Record record = new Record();
        record.digits = in.readInt();
        record.highest = in.readLong();
        int pairs = in.readInt();
        record.values = new long[pairs];
        record.counts = new long[pairs];
        for (int i = 0; i < pairs; i++) {
            record.values[i] = in.readLong();
            record.counts[i] = in.readLong();
        }
        record.payload = bytes(in);
        record.compressed = bytes(in);
        readAnswers(in, record.answers);
        return record;
    }

    private static void readAnswers(DataInputStream in, Answers answers) throws IOException {
        answers.total = in.readLong();
        answers.min = in.readLong();
        answers.max = in.readLong();
        answers.mean = in.readDouble();
        answers.countValue = in.readLong();
        answers.count = in.readLong();
        int percentiles = in.readInt();
        answers.percentiles = new double[percentiles];
        answers.percentileValues = new long[percentiles];
        for (int i = 0; i < percentiles; i++) {
            answers.percentiles[i] = in.readDouble();
            answers.percentileValues[i] = in.readLong();
        }
    }

    private static void write(DataOutputStream file, Record record) throws IOException {
        ByteArrayOutputStream buffer = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(buffer);
        out.writeInt(record.digits);
        out.writeLong(record.highest);
        out.writeInt(record.values.length);
        for (int i = 0; i < record.values.length; i++) {
            out.writeLong(record.values[i]);
            out.writeLong(record.counts[i]);
        }
        out.writeInt(record.payload.length);
        out.write(record.payload);
        out.writeInt(record.compressed.length);
        out.write(record.compressed);
        writeAnswers(out, record.answers);
        file.writeInt(buffer.size());
        buffer.writeTo(file);
    }

    private static void writeAnswers(DataOutputStream out, Answers answers) throws IOException {
        out.writeLong(answers.total);
        out.writeLong(answers.min);
        out.writeLong(answers.max);
        out.writeDouble(answers.mean);
        out.writeLong(answers.countValue);
        out.writeLong(answers.count);
        out.writeInt(answers.percentiles.length);
        for (int i = 0; i < answers.percentiles.length; i++) {
            out.writeDouble(answers.percentiles[i]);
            out.writeLong(answers.percentileValues[i]);
        }
    }

    // ---- C encodes, Java decodes

    private void check(String path) throws Exception {
        int count = 0;
        try (DataInputStream in = new DataInputStream(
                new BufferedInputStream(new FileInputStream(path)))) {
            for (;; count++) {
                try {
                    in.readInt();
                } catch (EOFException end) {
                    break;
                }
                String difference = compare(read(in));
                if (difference != null) {
                    fail("histogram " + count + ": other " + difference + " than C");
                }
            }
        }
        System.out.println("Java compared " + count + " histograms of C, " + failures + " differ");
    }

    private static String compare(Record record) throws Exception {
        Histogram recorded = record.histogram();
        if (!Arrays.equals(payload(recorded), record.payload)) {
            return "payload";
        }
        if (!Arrays.equals(compressed(recorded), record.compressed)) {
            return "compressed bytes";
        }
        String difference = compareDecoded(record, recorded,
                Histogram.decodeFromByteBuffer(ByteBuffer.wrap(record.payload), 0));
        return difference != null ? difference : compareDecoded(record, recorded,
                Histogram.decodeFromCompressedByteBuffer(ByteBuffer.wrap(record.compressed), 0));
    }

    private static String compareDecoded(Record record, Histogram recorded, Histogram decoded) {
        if (!decoded.equals(recorded)) {
            return "decoded counts";
        }
        if (!Arrays.equals(payload(decoded), record.payload)
                || !Arrays.equals(compressed(decoded), record.compressed)) {
            return "bytes when encoded again";
        }
        return Answers.of(decoded, record.answers.percentiles, record.answers.countValue)
                .difference(record.answers);
    }

    // ---- Java encodes, C decodes

    private void make(String path, int count, Random random) throws IOException {
        try (DataOutputStream out = new DataOutputStream(
                new BufferedOutputStream(new FileOutputStream(path)))) {
            for (int i = 0; i < count; i++) {
                write(out, randomRecord(i, random));
            }
        }
    }

    private static Record randomRecord(int number, Random random) {
        Record record = new Record();
        int digits = random.nextInt(80);
        record.digits = digits < 8 ? 1 : digits < 16 ? 2 : digits < 18 ? 4 : digits < 19 ? 5 : 3;
        record.highest = randomHighest(random);
        long[][] pairs = randomPairs(number, record.highest, random);
        record.values = Arrays.stream(pairs).mapToLong(pair -> pair[0]).toArray();
        record.counts = Arrays.stream(pairs).mapToLong(pair -> pair[1]).toArray();
        Histogram histogram = record.histogram();
        record.payload = payload(histogram);
        record.compressed = compressed(histogram);
        record.answers = Answers.of(histogram,
                randomPercentiles(histogram.getTotalCount(), random),
                magnitude(random, record.highest));
        return record;
    }

    /** The usual ones, a random one, and some made from a rank. */
    private static double[] randomPercentiles(long total, Random random) {
        double[] percentiles = Arrays.copyOf(USUAL, PERCENTILES);
        percentiles[USUAL.length] = 100 * random.nextDouble();
        for (int i = USUAL.length + 1; i < PERCENTILES; i++) {
            percentiles[i] = total == 0 ? 7 : 100.0 * (long) (random.nextDouble() * total) / total;
        }
        return percentiles;
    }

    private static long randomHighest(Random random) {
        switch (random.nextInt(4)) {
        case 0:
            return Long.MAX_VALUE;
        case 1:
            return 2 + (random.nextLong() >>> (1 + random.nextInt(60))) % (Long.MAX_VALUE - 2);
        default:
            return 3600000000000L;
        }
    }

    private static long magnitude(Random random, long limit) {
        return (random.nextLong() >>> (1 + random.nextInt(63))) % limit;
    }

    private static long[][] randomPairs(int number, long highest, Random random) {
        switch (number % SHAPES) {
        case 0: // empty, or nothing but zeros
            return number % (2 * SHAPES) == 0 ? new long[0][]
                    : new long[][] { { 0, 1 + random.nextInt(100) } };
        case 1: // any count that fits: nine full bytes
            return new long[][] { { magnitude(random, highest),
                    random.nextLong() >>> (1 + 8 * random.nextInt(8)) | 1 } };
        case 2:
            return pairs(20, highest, 3, random);
        case 3:
            return dense(highest, random);
        case 4: // huge counts
            return pairs(7, highest, 1L << (30 + random.nextInt(30)), random);
        case 5:
            return new long[][] { { highest, 1 + random.nextInt(5) }, { 0, 1 },
                    { magnitude(random, highest), 1000 } };
        case 6:
            return pairs(PAIRS_MAX, highest, 1, random);
        default:
            return edges(highest);
        }
    }

    private static long[][] pairs(int count, long highest, long counts, Random random) {
        long[][] pairs = new long[count][];
        for (int i = 0; i < count; i++) {
            pairs[i] = new long[] { magnitude(random, highest),
                    1 + (random.nextLong() >>> 1) % counts };
        }
        return pairs;
    }

    private static long[][] dense(long highest, Random random) {
        long start = magnitude(random, highest);
        long step = 1 + start / (1 + random.nextInt(3000));
        long count = Math.min(PAIRS_MAX, (highest - start) / step + 1);
        long[][] pairs = new long[(int) count][];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = new long[] { start + i * step, 1 + random.nextInt(1000) };
        }
        return pairs;
    }

    private static long[][] edges(long highest) {
        long[][] pairs = new long[3 * 62][];
        int count = 0;
        for (int bit = 0; bit < 62; bit++) {
            for (long value = (1L << bit) - 1; value <= (1L << bit) + 1; value++) {
                if (value <= highest) {
                    pairs[count++] = new long[] { value, 1L << bit % 40 };
                }
            }
        }
        return Arrays.copyOf(pairs, count);
    }

    // ---- an interval log

    /** Reads the log, compares its totals per tag, and writes it with the reference's writer. */
    private void checkLog(String path, String copyPath, String expectedPath) throws Exception {
        Map<String, Histogram> totals = new TreeMap<>();
        int before = failures;
        int intervals = 0;
        HistogramLogReader reader = new HistogramLogReader(path);
        HistogramLogWriter writer = new HistogramLogWriter(copyPath);
        while (reader.hasNext()) {
            Histogram interval = (Histogram) reader.nextIntervalHistogram();
            if (interval == null) {
                break;
            }
            long start = Math.round(1000 * reader.getStartTimeSec());
            if (intervals++ == 0) {
                writer.outputLogFormatVersion();
                writer.outputBaseTime(start);
                writer.outputStartTime(start);
                writer.outputLegend();
            }
            writer.outputIntervalHistogram((interval.getStartTimeStamp() - start) / 1000.0,
                    (interval.getEndTimeStamp() - start) / 1000.0, interval);
            String tag = interval.getTag() == null ? "-" : interval.getTag();
            totals.computeIfAbsent(tag, none -> new Histogram(3)).add(interval);
        }
        writer.close();
        compareTotals(totals, expectedPath);
        System.out.println("Java read " + intervals + " intervals of " + totals.size() + " tags, "
                + (failures - before) + " tags differ");
    }

    private void compareTotals(Map<String, Histogram> totals, String path) throws IOException {
        int lines = 0;
        for (String line : Files.readAllLines(Paths.get(path))) {
            String tag = line.substring(0, line.indexOf(' '));
            Histogram total = totals.getOrDefault(tag, new Histogram(3));
            StringBuilder found = new StringBuilder(tag + " " + total.getTotalCount());
            for (double percentile : new double[] { 50, 90, 99, 99.9, 100 }) {
                found.append(" ").append(total.getValueAtPercentile(percentile));
            }
            if (!line.contentEquals(found)) {
                fail("log: Java found '" + found + "', C wrote '" + line + "'");
            }
            lines++;
        }
        if (lines != totals.size()) {
            fail("log: Java found the tags " + totals.keySet());
        }
    }
}
