package dev.sonde.agent.runtime.jvm;

import dev.sonde.agent.host.ProcFs;
import dev.sonde.agent.pipeline.SnapshotBuilder;
import dev.sonde.agent.pipeline.Source;
import dev.sonde.agent.workload.CgroupHierarchy;
import dev.sonde.agent.workload.PodLife;
import dev.sonde.agent.workload.PodTable;
import dev.sonde.exporter.model.Workload;
import java.io.File;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The totals of every JVM on the node, per container.
 *
 * <pre>{@code
 * Source jvms = JvmSource.open(ProcFs.host(), hierarchy, Duration.ofMinutes(5));
 * jvms.collect(snapshot);   // once a second
 * }</pre>
 *
 * <p>Touches no process: it reads files of {@code /proc} and the JVMs' performance data. What a JVM
 * counted after the last reading before its end (an interval at most) is lost. A JVM with {@code
 * -XX:-UsePerfData}, {@code -XX:+PerfDisableSharedMem} or without a writable /tmp is not seen.
 *
 * <p>A JVM's totals begin with its start, also when that was before the agent's. A workload's sums
 * are dropped {@code staleAfter} after its cgroup was removed and its pod's last container's.
 *
 * <p>Not thread-safe: the snapshot thread owns it. A JVM that cannot be read counts in {@code
 * sonde_jvm_source{source="none"}} and is tried again; it never disturbs the others.
 */
public final class JvmSource implements Source {
  private final ProcFs proc;
  private final CgroupHierarchy hierarchy;
  private final Function<String, @Nullable Workload> owners;
  private final PodLife pods;
  private final long staleNanos;
  private final LongSupplier nanoClock;
  private final JvmDiscovery discovery;
  private final Map<Integer, JvmProcess> jvms = new HashMap<>();
  private final Map<Workload, JvmSums> sums = new LinkedHashMap<>();
  private final JvmCounters now = new JvmCounters();

  JvmSource(
      ProcFs proc,
      CgroupHierarchy hierarchy,
      Function<String, @Nullable Workload> owners,
      PodLife pods,
      Duration staleAfter,
      LongSupplier nanoClock) {
    this.proc = proc;
    this.hierarchy = hierarchy;
    this.owners = owners;
    this.pods = pods;
    this.staleNanos = staleAfter.toNanos();
    this.nanoClock = nanoClock;
    this.discovery = new JvmDiscovery(proc);
  }

  /**
   * @param proc the host's, {@code --proc-root}
   * @param hierarchy by which processes are told apart
   * @param pods names the containers
   * @param staleAfter how long the sums of a removed container are shown
   */
  public static JvmSource open(
      ProcFs proc, CgroupHierarchy hierarchy, PodTable pods, Duration staleAfter) {
    return new JvmSource(proc, hierarchy, pods::ofPath, pods, staleAfter, System::nanoTime);
  }

  @Override
  public void collect(SnapshotBuilder out) {
    long time = nanoClock.getAsLong();
    discovery.scan(time, this::found);
    sums.values().forEach(JvmSums::startOver);
    for (Iterator<JvmProcess> it = jvms.values().iterator(); it.hasNext(); ) {
      JvmProcess jvm = it.next();
      if (!poll(jvm)) {
        it.remove();
        discovery.forget(jvm.pid);
      }
    }
    sums.values().removeIf(s -> isStale(s, time));
    sums.values().forEach(s -> s.emit(out));
  }

  private void found(JvmDiscovery.Found found) {
    String cgroup = cgroup(found.pid());
    if (cgroup == null) {
      discovery.forget(found.pid());
    } else {
      jvms.put(found.pid(), new JvmProcess(found, cgroup));
    }
  }

  /** False if it has ended, or the process no longer is the JVM it was. */
  private boolean poll(JvmProcess jvm) {
    if (proc.startTime(jvm.pid) != jvm.startTime) {
      return false;
    }
    Workload owner = owner(jvm);
    if (owner == null) {
      // Its name is waited for: its counters stay in its file until then.
      return true;
    }
    JvmReader reader;
    try {
      reader = jvm.read(now);
    } catch (NoSuchFileException e) {
      // Exec and exit both take the mapping away; the next scan sees what is there then.
      return false;
    }
    JvmSums sum = sums.computeIfAbsent(owner, JvmSums::new);
    sum.cgroup(jvm.cgroup);
    if (reader == null) {
      sum.addUnread();
    } else {
      sum.add(reader, jvm.last, now);
      jvm.last.copyFrom(now);
    }
    return true;
  }

  /** Null while it has no name. What was counted stays with the owner it had. */
  private @Nullable Workload owner(JvmProcess jvm) {
    if (jvm.ownerIsDue()) {
      String cgroup = cgroup(jvm.pid);
      if (cgroup != null) {
        jvm.cgroup = cgroup;
      }
    }
    Workload now = owners.apply(jvm.cgroup);
    if (now != null) {
      jvm.owner = now;
    }
    return jvm.owner;
  }

  private @Nullable String cgroup(int pid) {
    String text = proc.cgroup(pid);
    return text == null ? null : hierarchy.pathIn(text);
  }

  private boolean isStale(JvmSums s, long time) {
    if (pods.replaced(s.owner())) {
      return true;
    }
    boolean gone = !s.hasLive() && !pods.podLives(s.owner()) && !isIn(s.cgroup(), s.owner());
    return s.goneFor(gone, time) >= staleNanos;
  }

  /** Whether the cgroup exists and is still that workload's: a late name makes it another's. */
  private boolean isIn(String cgroup, Workload owner) {
    // java.io.File, since a Path cannot hold every name in every locale.
    if (!new File(hierarchy.mount() + cgroup).exists()) {
      return false;
    }
    Workload now = owners.apply(cgroup);
    return now == null || now.equals(owner);
  }
}
