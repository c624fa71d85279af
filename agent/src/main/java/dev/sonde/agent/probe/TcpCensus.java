package dev.sonde.agent.probe;

import dev.sonde.agent.log.Log;
import dev.sonde.ffi.BpfException;
import dev.sonde.ffi.BpfLink;
import dev.sonde.ffi.BpfProgram;
import dev.sonde.ffi.layout.CensusRow;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds sockets that are counted and are gone: a change of state that the kernel ran no program for
 * is in no counter. Now and then an iterator counts those that there are: {@code tcp_census.h}.
 *
 * <p>Where a slot's counters stood still during a pass, what they have more than the pass is gone,
 * if the pass before found just as many; where they did not, the next pass will see. The kernel
 * does not give up the CPU in a pass, which takes half a microsecond a socket: there is none of
 * more than 20,000 sockets, one in ten seconds while nothing changes, and all of them together take
 * a thousandth of the time at most. Owns its link; owned by the snapshot thread. Kernel floor 5.11.
 */
final class TcpCensus implements AutoCloseable {
  private static final Log LOG = Log.named("probe");
  private static final long EVERY_NANOS = 1_000_000_000;

  /** While nothing changes; what ended may have ended unseen. */
  private static final long QUIET_NANOS = 10 * EVERY_NANOS;

  private static final int SHARE = 1000;
  private static final long MOST_SOCKETS = 20_000;

  /** What the changes of state have come to. */
  interface Counters {
    int sockets(int slot, int state);

    /** Moves whenever a socket of the slot is opened or ends. */
    long changes(int slot);
  }

  private final BpfProgram iterator;
  private final BpfLink link;
  private final SlotRows rows;
  private final Slots slots;
  private final List<Slot> known = new ArrayList<>();
  private long due = System.nanoTime();

  /**
   * What the counters were at the last pass, in one number; 0 if that pass was not the last word.
   */
  private long settled;

  private long passed = due;

  private long missed;

  /** What is known of a slot. */
  private static final class Slot {
    final int[] before = new int[CensusRow.SOCKETS_COUNT];
    long changesBefore;

    /** More than the pass found, when it was last at rest. */
    final int[] surplus = new int[CensusRow.SOCKETS_COUNT];

    /** Of the slot's owner, and to be taken off. */
    final int[] gone = new int[CensusRow.SOCKETS_COUNT];

    /** Of owners that it had before. */
    final int[] others = new int[CensusRow.SOCKETS_COUNT];

    long owner = Slots.NOBODY;
  }

  private TcpCensus(BpfProgram iterator, BpfLink link, SlotRows rows, Slots slots) {
    this.iterator = iterator;
    this.link = link;
    this.rows = rows;
    this.slots = slots;
  }

  /** Null where owners are not kept in socket storage, or the kernel has no such iterator. */
  static @Nullable TcpCensus open(ProbeSet probes, Slots slots) {
    BpfProgram iterator = probes.probe(Probes.TCP_OWNER).program("tcp_census_pass");
    if (iterator == null) {
      return null;
    }
    try {
      BpfLink link = iterator.attachIterator(probes.maps().get("socket_records"));
      return new TcpCensus(iterator, link, probes.rows("tcp_census"), slots);
    } catch (BpfException e) {
      LOG.warn("sockets cannot be counted one by one", "reason", e.reason());
      return null;
    }
  }

  /** How many of the sockets that a slot's counters have in a state are gone. */
  int gone(int slot, int state) {
    return slot < known.size() ? known.get(slot).gone[state] : 0;
  }

  /** How many sockets ended unseen so far. */
  long missed() {
    return missed;
  }

  /** Makes a pass if it is time for one. */
  void look(Counters counters) {
    long begin = System.nanoTime();
    if (begin - due < 0) {
      return;
    }
    int end = slots.end();
    long sockets = 0;
    long all = 1;
    for (int i = 0; i < end; i++) {
      if (i == known.size()) {
        known.add(new Slot());
      }
      Slot slot = known.get(i);
      slot.changesBefore = counters.changes(i);
      all = 31 * all + slot.changesBefore;
      for (int state = 0; state < slot.before.length; state++) {
        slot.before[state] = counters.sockets(i, state);
        all = 31 * all + slot.before[state];
        sockets += Math.max(0, slot.before[state] - slot.gone[state] - slot.others[state]);
      }
    }
    due = begin + EVERY_NANOS;
    boolean quiet = all == settled && begin - passed < QUIET_NANOS;
    if (quiet || sockets > MOST_SOCKETS) {
      return;
    }
    passed = begin;
    byte[] answer;
    try {
      answer = iterator.readIterator(link);
    } catch (BpfException e) {
      LOG.debug("sockets were not counted one by one", "reason", e.reason());
      due = begin + 100 * EVERY_NANOS;
      return;
    }
    if (answer.length == Long.BYTES) {
      long pass = MemorySegment.ofArray(answer).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
      boolean agree = true;
      for (int i = 0; i < end; i++) {
        agree &= compare(i, known.get(i), counters, pass);
      }
      settled = agree ? all : 0;
    }
    due = begin + Math.max(EVERY_NANOS, SHARE * (System.nanoTime() - begin));
  }

  /** Whether all that the slot's counters have is there, as far as is known. */
  private boolean compare(int at, Slot slot, Counters counters, long pass) {
    MemorySegment s = rows.segment(at);
    long row = rows.row(at);
    boolean counted = CensusRow.session(s, row) == pass;
    if (counters.changes(at) != slot.changesBefore) {
      return false;
    }
    for (int state = 0; state < slot.before.length; state++) {
      if (counters.sockets(at, state) != slot.before[state]) {
        return false;
      }
    }
    boolean agree = true;
    long owner = slots.owner(at);
    for (int state = 0; state < slot.before.length; state++) {
      int there = counted ? (int) CensusRow.sockets(s, row, state) : 0;
      int surplus = slot.before[state] - there - slot.gone[state] - slot.others[state];
      if (surplus != 0 && surplus == slot.surplus[state]) {
        if (owner == slot.owner) {
          slot.gone[state] += surplus;
          missed += Math.max(0, surplus);
        } else {
          slot.others[state] += surplus; // what a slot's former owners left is not the new one's
        }
        surplus = 0;
      }
      slot.surplus[state] = surplus;
      agree &= surplus == 0;
    }
    slot.owner = owner;
    return agree;
  }

  @Override
  public void close() {
    link.close();
    rows.close();
  }
}
