package dev.sonde.agent.truth;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import dev.sonde.exporter.grpc.GenericGrpcClient;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A workload's histogram with all of its buckets, over gRPC: the text has ten of them at most.
 *
 * @param first native index of the first of {@code counts}, whose upper bound is 2^(first/4)
 */
record NativeBuckets(int first, List<Long> counts) {
  /** The bucket up to 2^-20 s stands for the zero bucket. */
  private static final int ZERO_INDEX = -80;

  NativeBuckets {
    counts = List.copyOf(counts);
  }

  /** Of the one series of {@code metric} that {@code pod} has. */
  static NativeBuckets of(GenericGrpcClient client, String metric, PodCgroup pod) {
    String request =
        "{\"metrics\":[\"%s\"],\"matchers\":[{\"label\":\"pod\",\"equal\":\"%s\"}]}"
            .formatted(metric, pod.pod());
    DynamicMessage answer = client.call("sonde.v1.Observer/Query", request);
    Message m = first(answer, "metrics");
    Message histogram = (Message) get(first(m, "series"), "histogram");
    List<?> counts = (List<?>) get(histogram, "counts");
    return new NativeBuckets(
        (Integer) get(histogram, "first_index"), counts.stream().map(c -> (Long) c).toList());
  }

  /**
   * Of all series of {@code metric} that {@code pod} has, whatever their other labels; what is in
   * the zero bucket is the first.
   */
  static NativeBuckets sum(GenericGrpcClient client, String metric, PodCgroup pod) {
    String request =
        "{\"metrics\":[\"%s\"],\"matchers\":[{\"label\":\"pod\",\"equal\":\"%s\"}]}"
            .formatted(metric, pod.pod());
    DynamicMessage answer = client.call("sonde.v1.Observer/Query", request);
    List<Long> sum = new ArrayList<>(Collections.nCopies(200, 0L));
    for (Object series : (List<?>) get(first(answer, "metrics"), "series")) {
      Message histogram = (Message) get((Message) series, "histogram");
      sum.set(0, sum.get(0) + (Long) get(histogram, "zero_count"));
      int at = (Integer) get(histogram, "first_index") - ZERO_INDEX;
      for (Object count : (List<?>) get(histogram, "counts")) {
        sum.set(at, sum.get(at) + (Long) count);
        at++;
      }
    }
    return new NativeBuckets(ZERO_INDEX, sum);
  }

  private static Object get(Message message, String field) {
    return message.getField(message.getDescriptorForType().findFieldByName(field));
  }

  private static Message first(Message message, String field) {
    return (Message) ((List<?>) get(message, field)).getFirst();
  }

  NativeBuckets minus(NativeBuckets before) {
    List<Long> since = new ArrayList<>(counts);
    for (int i = 0; i < before.counts.size(); i++) {
      int at = i + before.first - first;
      if (at >= 0 && at < since.size()) {
        since.set(at, since.get(at) - before.counts.get(i));
      }
    }
    return new NativeBuckets(first, since);
  }

  long count() {
    return counts.stream().mapToLong(Long::longValue).sum();
  }

  /** The upper bound of the bucket that the quantile is in. */
  double bound(double q) {
    long up = 0;
    for (int i = 0; i < counts.size(); i++) {
      up += counts.get(i);
      if (up > 0 && up >= q * count()) {
        return Math.pow(2, (first + i) / 4.0);
      }
    }
    return Double.POSITIVE_INFINITY;
  }

  /** As Prometheus estimates it: exponentially within the bucket. */
  double quantile(double q) {
    double rank = q * count();
    long before = 0;
    for (int i = 0; i < counts.size(); i++) {
      long here = counts.get(i);
      if (here > 0 && before + here >= rank) {
        double into = (rank - before) / here;
        return Math.pow(2, (first + i - 1 + into) / 4.0);
      }
      before += here;
    }
    return Double.NaN;
  }
}
