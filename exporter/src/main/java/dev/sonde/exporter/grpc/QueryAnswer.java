package dev.sonde.exporter.grpc;

import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Snapshot;
import dev.sonde.v1.Metric;
import dev.sonde.v1.QueryRequest;
import dev.sonde.v1.QueryResponse;
import dev.sonde.v1.Series;
import io.grpc.Context;
import java.util.ArrayList;
import java.util.List;

/** The answer to one Query: a part of one snapshot, bounded in series and bytes. */
final class QueryAnswer {
  /** Tag and length of a series within its metric, or of a metric within the answer. */
  static final int FRAME_BYTES = 6;

  private final List<MetricPattern> metrics;
  private final LabelSelector series;
  private final int limit;

  private int taken;
  private long bytes;
  private long matched;

  private QueryAnswer(List<MetricPattern> metrics, LabelSelector series, int limit) {
    this.metrics = metrics;
    this.series = series;
    this.limit = limit;
  }

  static QueryAnswer parse(QueryRequest request) throws InvalidRequestException {
    if (request.getMetricsCount() > GrpcLimits.METRICS) {
      throw new InvalidRequestException(
          "metrics",
          "there are "
              + request.getMetricsCount()
              + ", at most "
              + GrpcLimits.METRICS
              + "; use patterns (sonde_tcp_*)");
    }
    List<MetricPattern> metrics = new ArrayList<>();
    for (int i = 0; i < request.getMetricsCount(); i++) {
      metrics.add(MetricPattern.parse("metrics[" + i + "]", request.getMetrics(i)));
    }
    return new QueryAnswer(
        metrics,
        LabelSelector.ofSeries(request.getMatchersList()),
        limit("limit", request.getLimit()));
  }

  /** A request's limit of items with its default and its bound; the wire's type is unsigned. */
  static int limit(String field, int requested) throws InvalidRequestException {
    if (requested == 0) {
      return GrpcLimits.DEFAULT_ITEMS;
    }
    if (requested < 0 || requested > GrpcLimits.MAX_ITEMS) {
      throw new InvalidRequestException(
          field,
          Integer.toUnsignedString(requested) + " is too many, at most " + GrpcLimits.MAX_ITEMS);
    }
    return requested;
  }

  QueryResponse of(String epoch, Snapshot snapshot) {
    QueryResponse.Builder out =
        QueryResponse.newBuilder()
            .setEpoch(epoch)
            .setSequence(snapshot.sequence())
            .setTime(Messages.timestamp(snapshot.at()));
    boolean truncated = false;
    for (Family family : snapshot.families()) {
      // Nobody reads the answer of a call that was given up.
      if (Context.current().isCancelled()) {
        break;
      }
      if (wants(family.metric().name())) {
        truncated = add(family, out, truncated);
      }
    }
    return out.setMatched(matched).setTruncated(truncated).build();
  }

  private boolean wants(String metric) {
    if (metrics.isEmpty()) {
      return true;
    }
    for (MetricPattern m : metrics) {
      if (m.matches(metric)) {
        return true;
      }
    }
    return false;
  }

  /** Once truncated, series are only counted: an answer is always the first part of the whole. */
  private boolean add(Family family, QueryResponse.Builder out, boolean truncated) {
    Metric.Builder metric = Messages.metric(family.metric());
    int header = metric.buildPartial().getSerializedSize() + FRAME_BYTES;
    for (int i = 0; i < family.size(); i++) {
      if (!series.matches(family.series(i).labels())) {
        continue;
      }
      matched++;
      if (truncated || taken == limit) {
        truncated = true;
        continue;
      }
      Series s = Messages.series(family, i);
      int more = s.getSerializedSize() + FRAME_BYTES + (metric.getSeriesCount() == 0 ? header : 0);
      if (bytes + more > GrpcLimits.ANSWER_BYTES) {
        truncated = true;
        continue;
      }
      bytes += more;
      taken++;
      metric.addSeries(s);
    }
    if (metric.getSeriesCount() > 0) {
      out.addMetrics(metric);
    }
    return truncated;
  }
}
