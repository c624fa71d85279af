package dev.sonde.exporter.grpc;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import dev.sonde.exporter.events.Delivery;
import dev.sonde.exporter.model.Event;
import dev.sonde.exporter.model.Family;
import dev.sonde.exporter.model.Histogram;
import dev.sonde.exporter.model.Labels;
import dev.sonde.exporter.model.Metric;
import dev.sonde.exporter.model.Series;
import dev.sonde.exporter.model.Workload;
import dev.sonde.v1.ContainerStart;
import dev.sonde.v1.EventsLost;
import dev.sonde.v1.ListedWorkload;
import dev.sonde.v1.MetricType;
import dev.sonde.v1.OomKill;
import dev.sonde.v1.SchedWait;
import dev.sonde.v1.TcpClose;
import dev.sonde.v1.TcpConnectFailed;
import dev.sonde.v1.TcpFinding;
import dev.sonde.v1.TcpOpen;
import dev.sonde.v1.TcpReset;
import dev.sonde.v1.TcpRetransmit;
import dev.sonde.v1.TcpWait;
import java.time.Instant;

/**
 * The model as messages of {@code sonde.v1}. Their classes have the model's names: here the model's
 * are imported, the messages' are written out.
 */
final class Messages {
  private Messages() {}

  static Timestamp timestamp(Instant at) {
    return Timestamp.newBuilder().setSeconds(at.getEpochSecond()).setNanos(at.getNano()).build();
  }

  static Timestamp timestamp(long millis) {
    return timestamp(Instant.ofEpochMilli(millis));
  }

  private static Duration duration(java.time.Duration d) {
    // Java's nanos are never negative, protobuf's have the sign of the seconds.
    long seconds = d.getSeconds();
    int nanos = d.getNano();
    if (seconds < 0 && nanos > 0) {
      seconds++;
      nanos -= 1_000_000_000;
    }
    return Duration.newBuilder().setSeconds(seconds).setNanos(nanos).build();
  }

  private static dev.sonde.v1.Workload workload(Workload w) {
    return dev.sonde.v1.Workload.newBuilder()
        .setNamespace(w.namespace())
        .setPod(w.pod())
        .setContainer(w.container())
        .setUnit(w.unit())
        .build();
  }

  static ListedWorkload workload(WorkloadInfo w) {
    return ListedWorkload.newBuilder()
        .setWorkload(workload(w.workload()))
        .setCgroupPath(w.cgroupPath())
        .setCgroupId(w.cgroupId())
        .setAlive(w.alive())
        .build();
  }

  /** A metric without its series. */
  static dev.sonde.v1.Metric.Builder metric(Metric m) {
    MetricType type =
        switch (m.type()) {
          case COUNTER -> MetricType.METRIC_TYPE_COUNTER;
          case GAUGE -> MetricType.METRIC_TYPE_GAUGE;
          case HISTOGRAM -> MetricType.METRIC_TYPE_HISTOGRAM;
        };
    return dev.sonde.v1.Metric.newBuilder().setName(m.name()).setHelp(m.help()).setType(type);
  }

  /** Series {@code i} of a family with its value. */
  static dev.sonde.v1.Series series(Family family, int i) {
    Series s = family.series(i);
    dev.sonde.v1.Series.Builder out =
        dev.sonde.v1.Series.newBuilder().setCreated(timestamp(s.createdMillis()));
    Labels labels = s.labels();
    for (int l = 0; l < labels.size(); l++) {
      out.putLabels(labels.names().get(l), labels.values().get(l));
    }
    switch (family) {
      case Family.Scalars scalars -> out.setScalar(scalars.value(i));
      case Family.Histograms histograms -> out.setHistogram(histogram(histograms.value(i)));
    }
    return out.build();
  }

  private static dev.sonde.v1.Histogram histogram(Histogram h) {
    dev.sonde.v1.Histogram.Builder out =
        dev.sonde.v1.Histogram.newBuilder()
            .setSchema(Histogram.SCHEMA)
            .setZeroThreshold(h.zeroThreshold())
            .setZeroCount(h.zeroCount())
            .setFirstIndex(h.firstIndex())
            .setOverflow(h.overflow())
            .setSum(h.sum())
            .setCount(h.count());
    for (int i = 0; i < h.buckets(); i++) {
      out.addCounts(h.bucket(i));
    }
    return out.build();
  }

  static dev.sonde.v1.Event event(Event e) {
    dev.sonde.v1.Event.Builder out =
        dev.sonde.v1.Event.newBuilder()
            .setSequence(e.sequence())
            .setStart(timestamp(e.start()))
            .setDuration(duration(e.duration()))
            .setWorkload(workload(e.workload()));
    switch (e) {
      case Event.TcpRetransmit r ->
          out.setTcpRetransmit(
              TcpRetransmit.newBuilder()
                  .setType(r.type())
                  .setSegments(r.segments())
                  .setState(r.state())
                  .setLocal(r.local())
                  .setRemote(r.remote()));
      case Event.SchedWait w ->
          out.setSchedWait(
              SchedWait.newBuilder()
                  .setReason(w.reason())
                  .setCpu(w.cpu())
                  .setCulprit(workload(w.culprit())));
      case Event.TcpOpen o ->
          out.setTcpOpen(
              TcpOpen.newBuilder().setRole(o.role()).setLocal(o.local()).setRemote(o.remote()));
      case Event.TcpClose c ->
          out.setTcpClose(
              TcpClose.newBuilder()
                  .setReason(c.reason())
                  .setState(c.state())
                  .setSentBytes(c.sentBytes())
                  .setReceivedBytes(c.receivedBytes())
                  .setLocal(c.local())
                  .setRemote(c.remote()));
      case Event.TcpConnectFailed f ->
          out.setTcpConnectFailed(
              TcpConnectFailed.newBuilder()
                  .setReason(f.reason())
                  .setLocal(f.local())
                  .setRemote(f.remote()));
      case Event.TcpReset r ->
          out.setTcpReset(
              TcpReset.newBuilder()
                  .setDirection(r.direction())
                  .setState(r.state())
                  .setLocal(r.local())
                  .setRemote(r.remote()));
      case Event.TcpFinding f ->
          out.setTcpFinding(
              TcpFinding.newBuilder()
                  .setFinding(f.finding())
                  .setHolds(f.holds())
                  .setCount(f.count())
                  .setThreshold(f.threshold()));
      case Event.TcpWait w ->
          out.setTcpWait(
              TcpWait.newBuilder()
                  .setWait(w.what())
                  .setState(w.state())
                  .setLocal(w.local())
                  .setRemote(w.remote()));
      case Event.ContainerStart c ->
          out.setContainerStart(
              ContainerStart.newBuilder()
                  .setUntilListen(duration(c.untilListen()))
                  .setUntilAccept(duration(c.untilAccept())));
      case Event.OomKill k ->
          out.setOomKill(OomKill.newBuilder().setPid(k.pid()).setCommand(k.command()));
    }
    return out.build();
  }

  static EventsLost lost(Delivery.Gap gap) {
    return EventsLost.newBuilder()
        .setCount(gap.count())
        .setFirstSequence(gap.first())
        .setLastSequence(gap.last())
        .build();
  }
}
