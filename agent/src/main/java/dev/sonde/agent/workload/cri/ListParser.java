package dev.sonde.agent.workload.cri;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.ExtensionRegistryLite;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;
import com.google.protobuf.WireFormat;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Reads an answer that is a list (field 1, repeated) one item at a time, so that of a large answer
 * no more than one item is ever held whole: annotations may have hundreds of kilobytes a pod.
 *
 * @param <M> the item's message
 * @param <T> what is kept of an item
 */
final class ListParser<M, T> implements MethodDescriptor.Marshaller<List<T>> {
  /** Field 1, a length and as many bytes. */
  private static final int ITEM = 1 << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;

  private final Parser<M> items;
  private final Function<M, T> keep;
  private final int most;

  ListParser(Parser<M> items, Function<M, T> keep, int most) {
    this.items = items;
    this.keep = keep;
    this.most = most;
  }

  @Override
  public InputStream stream(List<T> value) {
    throw new UnsupportedOperationException("answers are only read");
  }

  @Override
  public List<T> parse(InputStream stream) {
    List<T> kept = new ArrayList<>();
    try {
      CodedInputStream in = CodedInputStream.newInstance(stream);
      for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
        if (tag != ITEM) {
          in.skipField(tag);
          continue;
        }
        if (kept.size() == most) {
          throw new InvalidProtocolBufferException("a list of more than " + most + " items");
        }
        int limit = in.pushLimit(in.readRawVarint32());
        M item = items.parseFrom(in, ExtensionRegistryLite.getEmptyRegistry());
        in.checkLastTagWas(0);
        in.popLimit(limit);
        kept.add(keep.apply(item));
      }
      return kept;
    } catch (IOException e) {
      throw Status.DATA_LOSS
          .withDescription("the answer cannot be read: " + e.getMessage())
          .withCause(e)
          .asRuntimeException();
    }
  }
}
