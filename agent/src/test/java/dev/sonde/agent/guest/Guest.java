package dev.sonde.agent.guest;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A test class that runs inside guests, as root, alone on a machine with one CPU. Its name ends in
 * {@code Guest}, so that it does not run on the host; nothing else has to know of it.
 *
 * {@snippet :
 * @Guest
 * class OomKillGuest {
 *   @Test
 *   void countsAKill() { ... }
 * }
 * }
 */
@Documented
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
public @interface Guest {
  /**
   * 1: on every kernel, also in {@code make test}: keep it within a few seconds. 2: {@code make
   * test} boots it on 5.10 and 6.12, {@code make matrix} on all kernels. 3: {@code make matrix}
   * alone, for what needs a processor of its own, or minutes.
   */
  int tier() default 2;

  /** Which kernels it is for; all by default. */
  String[] kernels() default {"5.10", "6.1", "6.12", "6.18", "7.2"};

  /**
   * What the host does before it boots: builds what a guest cannot. Its constructor has no
   * arguments.
   */
  Class<? extends Runnable> onHost() default Nothing.class;

  /** Nothing is needed but the classes. */
  final class Nothing implements Runnable {
    @Override
    public void run() {}
  }

  /** How the kernels are booted; once with each of these where the matrix has such a boot. */
  Variant[] variants() default {Variant.PLAIN};
}
