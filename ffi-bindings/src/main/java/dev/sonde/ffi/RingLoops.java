package dev.sonde.ffi;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Makes a {@link RingLoop} class for each ring. */
final class RingLoops {
  private RingLoops() {}

  static RingPass of(RingMemory ring) {
    try {
      MethodHandles.Lookup loop =
          MethodHandles.lookup().defineHiddenClassWithClassData(template(), ring, true);
      MethodHandle create =
          loop.findStatic(loop.lookupClass(), "create", MethodType.methodType(RingPass.class));
      return (RingPass) create.invokeExact();
    } catch (Throwable impossible) {
      throw new AssertionError("define the loop of ring " + ring.name(), impossible);
    }
  }

  private static byte[] template() throws IOException {
    try (InputStream in = RingLoops.class.getResourceAsStream("RingLoop.class")) {
      if (in == null) {
        throw new IOException("RingLoop.class is not beside RingLoops.class");
      }
      return in.readAllBytes();
    }
  }
}
