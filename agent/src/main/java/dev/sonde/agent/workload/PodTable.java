package dev.sonde.agent.workload;

import dev.sonde.exporter.model.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Names the owner of every cgroup id the kernel counts by.
 *
 * <pre>{@code
 * try (PodTable pods = PodTable.open(CgroupHierarchy.detect(null), Duration.ofMinutes(5))) {
 *   Workload owner = pods.workload(cgroupId);        // drain, snapshot, gRPC threads
 *   pods.made(id, path);                             // the drain, when the kernel tells of a cgroup
 *   pods.names(identities);                          // whoever asks the container runtime
 *   pods.settle();                                   // the snapshot thread, between snapshots
 *   pods.sweep();                                    // one maintenance thread, every few seconds
 *   PodTable.Removals r = pods.removedSince(cursor); // whoever holds slots in the kernel
 * }
 * }</pre>
 *
 * <p><b>Nothing is dropped.</b> Every id has an owner: {@link #KERNEL_ID} is the unit {@code
 * kernel}, {@link #UNKNOWN_ID} the unit {@code ~unknown}, {@link #OTHER_ID} is {@link
 * Workload#OTHER}, and an id whose cgroup was gone before anyone could tell its path is the unit
 * {@code ~gone} (all of them together, one series).
 *
 * <p><b>Late names.</b> The path tells a pod's UID, a runtime its name, a little later. Until then,
 * but for {@link #NAME_WAIT} at most, {@link #find} says null: counts wait where they are. After
 * that the pod is called by its UID; a name that comes later still holds from then on. No increment
 * ever moves from one series to another, so that none is counted twice and none falls.
 *
 * <p><b>The life of a name.</b> {@link #sweep} or {@link #removed} tell that a cgroup is gone. It
 * is listed in {@link #removedSince} at once, so that its totals can be folded into its workload's
 * sums; the kernel may still charge it for a while (sockets outlive the processes), so its slot is
 * better kept until {@link #reclaimable}, {@code staleAfter} later. The name itself is kept twice
 * as long, so that whoever looks at least once per {@code staleAfter} never sees it change to
 * {@code ~gone}.
 *
 * <p><b>Threads.</b> {@link #workload} is for every thread; a hit takes no lock and allocates
 * nothing, a miss asks the kernel under this object's lock. No method ever waits for a runtime.
 * Entries are only ever added to the table in place; removing one publishes a new table.
 *
 * <p>Owns its resolver.
 */
public final class PodTable implements AutoCloseable {
  /** What the BPF programs use for kernel threads (PF_KTHREAD), which run in the root cgroup. */
  public static final long KERNEL_ID = -3;

  /** A socket whose owner was never seen: {@code CGROUP_UNKNOWN} of workloads.h. */
  public static final long UNKNOWN_ID = -2;

  /** Nobody: the CPU was idle. {@code CGROUP_IDLE} of workloads.h. */
  public static final long IDLE_ID = -4;

  /** What the BPF programs use when a map is full. */
  public static final long OTHER_ID = -1;

  /** The owner of work of kernel threads. */
  public static final Workload KERNEL = Workload.unit("kernel");

  /** Who runs on a CPU that is idle. */
  public static final Workload IDLE = Workload.unit("idle");

  /** The owner of sockets that nobody was ever seen to use. */
  public static final Workload UNKNOWN = Workload.unit("~unknown");

  /** The owner of what cgroups did that ended before they could be named. */
  public static final Workload GONE = Workload.unit("~gone");

  /** How long a name is waited for. */
  public static final Duration NAME_WAIT = Duration.ofSeconds(10);

  /** How long the kernel's word that a cgroup was made may lag behind what the cgroup did. */
  private static final Duration PATH_WAIT = Duration.ofSeconds(2);

  /** The least time that a removed cgroup is remembered. */
  private static final Duration REMEMBERED = Duration.ofSeconds(10);

  /** More cgroups than this are not remembered beforehand, only when they are asked for. */
  private static final int MAX_ENTRIES = 65_536;

  /**
   * Which cgroups were seen to be gone since the last call.
   *
   * @param cursor to pass to the next {@link #removedSince}
   */
  public record Removals(long cursor, List<Long> ids) {
    public Removals {
      ids = List.copyOf(ids);
    }
  }

  private final CgroupResolver resolver;
  private final Path mount;
  private final long staleNanos;
  private final LongSupplier nanoClock;
  private final PathWaits pathWaits = new PathWaits(PATH_WAIT.toNanos());
  private volatile IdTable table = new IdTable(256);
  private volatile Identities told = Identities.NONE;
  private volatile Identities identities = Identities.NONE;
  private volatile Set<String> livePods = Set.of();
  private volatile boolean namesExpected;
  private volatile boolean toldOfCgroups;
  private volatile Runnable nameWanted = () -> {};
  private long removals;
  private long lastSweep = Long.MIN_VALUE;

  PodTable(CgroupResolver resolver, Path mount, Duration staleAfter, LongSupplier nanoClock) {
    this.resolver = resolver;
    this.mount = mount;
    this.staleNanos = staleAfter.toNanos();
    this.nanoClock = nanoClock;
  }

  /**
   * @param staleAfter how long a removed cgroup's slot is worth keeping ({@code --stale-after})
   * @throws IOException if the hierarchy cannot be read
   */
  public static PodTable open(CgroupHierarchy hierarchy, Duration staleAfter) throws IOException {
    return new PodTable(
        CgroupResolver.open(hierarchy), hierarchy.mount(), staleAfter, System::nanoTime);
  }

  /**
   * Who owns what is counted under {@code id}. Never null, never throws: for what must be named
   * now. Ids stand in for names that are waited for.
   */
  public Workload workload(long id) {
    Workload found = find(id);
    if (found != null) {
      return found;
    }
    IdTable.Entry waiting = table.get(id);
    return waiting == null ? GONE : identities.best(waiting.name);
  }

  /**
   * Who owns what is counted under {@code id}, or null while that cannot be told: the name is
   * waited for, or the kernel refuses to say (no descriptor free). Null lasts for a few seconds at
   * most where the kernel answers: what is counted or kept until then loses nothing.
   */
  public @Nullable Workload find(long id) {
    if (id == KERNEL_ID) {
      return KERNEL;
    }
    if (id == IDLE_ID) {
      return IDLE;
    }
    if (id == OTHER_ID) {
      return Workload.OTHER;
    }
    if (id == UNKNOWN_ID) {
      return UNKNOWN;
    }
    IdTable.Entry entry = table.get(id);
    if (entry == null) {
      entry = resolve(id);
      if (entry == null) {
        return null;
      }
    }
    if (!entry.asked) {
      entry.asked = true;
    }
    Workload workload = entry.workload;
    return workload != null ? workload : overdue(entry);
  }

  /**
   * Who owns what is in the cgroup at {@code path} below the hierarchy's mount: for what is found
   * by process. Null as in {@link #find}.
   */
  public @Nullable Workload ofPath(String path) {
    Object inode;
    try {
      inode = Files.getAttribute(Path.of(mount + path), "unix:ino");
    } catch (IOException | InvalidPathException e) {
      // Removed, or a name that the locale cannot express: the path is all there is.
      return identities.best(CgroupPath.parse(path));
    }
    return find(((Number) inode).longValue());
  }

  private synchronized IdTable.@Nullable Entry resolve(long id) {
    IdTable.Entry raced = table.get(id);
    if (raced != null) {
      return raced;
    }
    String path;
    try {
      path = resolver.path(id);
    } catch (IOException e) {
      // Not remembered: the next one who asks may be luckier.
      return null;
    }
    long now = nanoClock.getAsLong();
    if (path != null) {
      return add(id, path, now);
    }
    if (toldOfCgroups && pathWaits.shouldWait(id, now)) {
      // The event that tells its path was sent before it did anything, but may not be read yet.
      return null;
    }
    IdTable.Entry entry = new IdTable.Entry(id, "", CgroupName.plain(GONE), now);
    entry.workload = GONE;
    entry.removed(now, ++removals);
    put(entry);
    return entry;
  }

  private IdTable.Entry add(long id, String path, long now) {
    CgroupName name = CgroupPath.parse(path);
    IdTable.Entry entry = new IdTable.Entry(id, path, name, now);
    Workload workload = identities.name(name);
    boolean wanted = workload == null;
    if (wanted && !namesExpected) {
      workload = identities.best(name);
    }
    entry.workload = workload;
    put(entry);
    if (wanted) {
      nameWanted.run();
    }
    return entry;
  }

  private void put(IdTable.Entry entry) {
    if (!table.hasRoom()) {
      table = table.rebuilt(e -> true);
    }
    table.put(entry);
  }

  /** The name is late: ids stand in for it from the deadline on. */
  private @Nullable Workload overdue(IdTable.Entry entry) {
    if (nanoClock.getAsLong() - entry.sinceNanos < NAME_WAIT.toNanos()) {
      return null;
    }
    synchronized (this) {
      Workload workload = entry.workload;
      if (workload == null) {
        workload = identities.best(entry.name);
        entry.workload = workload;
      }
      return workload;
    }
  }

  /**
   * A cgroup of this hierarchy was made. Known at once, it has a name also if it is gone before
   * anybody asks.
   *
   * @param path as the kernel told it; may be cut short, then empty: the id is asked for later
   */
  public synchronized void made(long id, String path) {
    if (!path.isEmpty() && table.get(id) == null && table.size() < MAX_ENTRIES) {
      add(id, path, nanoClock.getAsLong());
    }
  }

  /** A cgroup of this hierarchy was removed. */
  public synchronized void removed(long id) {
    IdTable.Entry entry = table.get(id);
    if (entry != null && !entry.isRemoved()) {
      entry.removed(nanoClock.getAsLong(), ++removals);
    }
  }

  /** From now on {@link #made} and {@link #removed} are called. */
  public void toldOfCgroups() {
    toldOfCgroups = true;
  }

  /**
   * Whether a source of names can be expected to answer: only then names are waited for.
   *
   * @param wanted called whenever a name is missing, on any thread, with this object locked: it
   *     must only take note
   */
  public void expectNames(boolean expected, Runnable wanted) {
    nameWanted = wanted;
    namesExpected = expected;
  }

  /** New names are known; they hold from the next {@link #settle} on. Any thread. */
  public void names(Identities now) {
    told = now;
  }

  /** The newest names, in force or not yet. */
  public Identities told() {
    return told;
  }

  /**
   * Puts the newest names in force. The snapshot thread calls it between two snapshots, so that a
   * name never passes from one pod to another in the middle of one.
   */
  public synchronized void settle() {
    Identities now = told;
    if (now == identities) {
      return;
    }
    identities = now;
    for (IdTable.Entry e : table.entries()) {
      Workload name = now.name(e.name);
      // What has a name and is no longer known to anybody keeps it.
      if (name != null && !name.equals(e.workload)) {
        e.workload = name;
      }
    }
  }

  /** How many names are missing, though still waited for, and not among those told. */
  public int waiting() {
    int n = 0;
    for (IdTable.Entry e : table.entries()) {
      if (e.workload == null && overdue(e) == null && told.name(e.name) == null) {
        n++;
      }
    }
    return n;
  }

  /** {@code --stale-after}. */
  public long staleNanos() {
    return staleNanos;
  }

  /** The names in force. */
  public Identities identities() {
    return identities;
  }

  /**
   * Whether the series of {@code workload} have ended because its pod's name belongs to a later
   * pod: both would have the same labels.
   */
  public boolean replaced(Workload workload) {
    return !workload.uid().isEmpty()
        && identities.replaced(workload.namespace(), workload.pod(), workload.uid());
  }

  /**
   * Whether any cgroup of {@code workload}'s pod exists, as of the last {@link #sweep}: then what
   * its ended containers did stays in its sums.
   */
  public boolean podLives(Workload workload) {
    return !workload.uid().isEmpty() && livePods.contains(workload.uid());
  }

  /**
   * Whether cgroup {@code id} exists, as of the last {@link #sweep}. An id never asked for does
   * not; the two special ids always do.
   */
  public boolean exists(long id) {
    if (isSpecial(id)) {
      return true;
    }
    IdTable.Entry e = table.get(id);
    return e != null && !e.isRemoved();
  }

  /**
   * Whether cgroup {@code id} has been gone for {@code staleAfter}: its slots may be used again.
   * Never of an id that was not asked for, is forgotten, or whose name is still waited for: ask for
   * its {@link #workload} first.
   */
  public boolean reclaimable(long id) {
    IdTable.Entry e = table.get(id);
    return e != null
        && e.isRemoved()
        && e.workload != null
        && nanoClock.getAsLong() - e.removedNanos() >= staleNanos;
  }

  private static boolean isSpecial(long id) {
    return id == KERNEL_ID || id == OTHER_ID || id == UNKNOWN_ID || id == IDLE_ID;
  }

  /**
   * Looks which known cgroups are gone, and forgets those gone long ago.
   *
   * @return how many were newly seen to be gone
   * @throws IOException if the kernel refuses to say; nothing has changed then
   */
  public synchronized int sweep() throws IOException {
    long now = nanoClock.getAsLong();
    List<Long> alive = new ArrayList<>();
    boolean expired = false;
    for (IdTable.Entry e : table.entries()) {
      if (!e.isRemoved()) {
        alive.add(e.id);
      } else if (isExpired(e, now)) {
        expired = true;
      }
    }
    long before = removals;
    resolver.findGone(
        alive,
        id -> {
          IdTable.Entry e = table.get(id);
          if (e != null) {
            e.removed(now, ++removals);
          }
        });
    if (expired) {
      table = table.rebuilt(e -> !isExpired(e, now));
    }
    lastSweep = now;
    Set<String> live = new HashSet<>();
    for (IdTable.Entry e : table.entries()) {
      Workload workload = e.workload;
      if (!e.isRemoved() && workload != null && !workload.uid().isEmpty()) {
        live.add(workload.uid());
      }
    }
    livePods = live;
    return (int) (removals - before);
  }

  private boolean isExpired(IdTable.Entry e, long now) {
    long keep = Math.max(e.asked ? 2 * staleNanos : 0, REMEMBERED.toNanos());
    // Gone before the last sweep: whoever counts by it has looked once since, and asked.
    return e.isRemoved() && e.removedNanos() < lastSweep && now - e.removedNanos() >= keep;
  }

  /**
   * The cgroups seen to be gone after {@code cursor}, oldest first; 0 for all still remembered.
   * Those that were gone before they could be named are among them.
   */
  public Removals removedSince(long cursor) {
    List<IdTable.Entry> gone = new ArrayList<>();
    long last = cursor;
    for (IdTable.Entry e : table.entries()) {
      if (e.removal() > cursor) {
        gone.add(e);
        last = Math.max(last, e.removal());
      }
    }
    gone.sort(Comparator.comparingLong(IdTable.Entry::removal));
    return new Removals(last, gone.stream().map(e -> e.id).toList());
  }

  /** The cgroups asked for or told of so far and still remembered, by path. */
  public List<CgroupInfo> known() {
    long now = nanoClock.getAsLong();
    Identities names = identities;
    List<CgroupInfo> infos = new ArrayList<>();
    for (IdTable.Entry e : table.entries()) {
      Duration removedFor = e.isRemoved() ? Duration.ofNanos(now - e.removedNanos()) : null;
      Workload workload = e.workload;
      infos.add(
          new CgroupInfo(
              e.id, e.path, workload == null ? names.best(e.name) : workload, removedFor));
    }
    infos.sort(Comparator.comparing(CgroupInfo::path).thenComparingLong(CgroupInfo::id));
    return infos;
  }

  /**
   * Every cgroup that exists, by path, whether anything was counted for it or not: for {@code sonde
   * pods} and listings. Walks the tree.
   *
   * @throws IOException if the hierarchy cannot be read
   */
  public List<CgroupInfo> all() throws IOException {
    Identities names = identities;
    List<CgroupInfo> infos = new ArrayList<>();
    for (Map.Entry<Long, String> e : resolver.all().entrySet()) {
      Workload workload = names.best(CgroupPath.parse(e.getValue()));
      infos.add(new CgroupInfo(e.getKey(), e.getValue(), workload, null));
    }
    infos.sort(Comparator.comparing(CgroupInfo::path));
    return infos;
  }

  /** How ids are resolved, for {@code sonde doctor}: {@code handle}, or {@code tree (reason)}. */
  public String mechanism() {
    return resolver.mechanism();
  }

  @Override
  public void close() {
    resolver.close();
  }
}
