package dev.sonde.agent.workload.kubelet;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.sonde.agent.workload.Answer;
import dev.sonde.agent.workload.ContainerIdentity;
import dev.sonde.agent.workload.LabelValue;
import dev.sonde.agent.workload.Owner;
import dev.sonde.agent.workload.PodFacts;
import dev.sonde.agent.workload.PodIdentity;
import java.io.IOException;
import java.io.InputStream;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a {@code v1.PodList} as it comes, and keeps of each pod what names it.
 *
 * <p>Never holds more than one pod's metadata: managedFields, specs, environment variables and
 * annotations are skipped unread. Not thread-safe; used once.
 */
final class PodListParser {
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(64)
                  // The longest an annotation can be (all of them together: 256 KiB), and some.
                  .maxStringLength(1 << 20)
                  .maxNameLength(4096)
                  .build())
          .build();

  private static final int MOST_LABELS = 256;
  private static final int MOST_STATUSES = 512;
  private static final int MOST_IMAGE = 200;

  private final PodFacts facts;
  private final List<PodIdentity> pods = new ArrayList<>();
  private final List<ContainerIdentity> containers = new ArrayList<>();

  PodListParser(PodFacts facts) {
    this.facts = facts;
  }

  /** What is collected of one pod, until its end tells whether it is one. */
  private static final class Pod {
    String uid = "";
    String namespace = "";
    String name = "";
    long createdNanos;
    @Nullable String ownerKind;
    String ownerName = "";
    final Map<String, String> labels = new HashMap<>();
    final Map<String, String> annotations = new HashMap<>();
    final List<Status> statuses = new ArrayList<>();
  }

  private static final class Status {
    String name = "";
    String image = "";
    long startedNanos;
    final List<String> ids = new ArrayList<>();
  }

  /**
   * @throws IOException it ended early, is no JSON, or no list of pods
   */
  Answer parse(InputStream in, String detail) throws IOException {
    try (JsonParser json = JSON.createParser(in)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new JsonParseException(json, "not an object");
      }
      boolean list = false;
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String field = json.currentName();
        JsonToken value = json.nextToken();
        if (value == null) {
          throw new JsonParseException(json, "the answer ends early");
        }
        if (field.equals("items")) {
          list = true;
          items(json, value);
        } else {
          json.skipChildren();
        }
      }
      if (!list) {
        throw new JsonParseException(json, "no items: not a list of pods");
      }
    }
    return new Answer(pods, containers, detail);
  }

  private void items(JsonParser json, JsonToken value) throws IOException {
    if (value == JsonToken.VALUE_NULL) {
      return; // how Go writes an empty list
    }
    if (value != JsonToken.START_ARRAY) {
      throw new JsonParseException(json, "items is not a list");
    }
    while (next(json) != JsonToken.END_ARRAY) {
      if (json.currentToken() != JsonToken.START_OBJECT) {
        throw new JsonParseException(json, "a pod is not an object");
      }
      pod(json);
    }
  }

  private static JsonToken next(JsonParser json) throws IOException {
    JsonToken token = json.nextToken();
    if (token == null) {
      throw new JsonParseException(json, "the answer ends early");
    }
    return token;
  }

  /** Calls {@code each} at every field's value of the object that the parser stands at. */
  private interface Field {
    void value(String name) throws IOException;
  }

  private static void object(JsonParser json, Field each) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      json.skipChildren();
      return;
    }
    while (next(json) != JsonToken.END_OBJECT) {
      String name = json.currentName();
      next(json);
      each.value(name);
    }
  }

  private static void array(JsonParser json, Field each) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      json.skipChildren();
      return;
    }
    while (next(json) != JsonToken.END_ARRAY) {
      each.value("");
    }
  }

  private static String text(JsonParser json) throws IOException {
    if (json.currentToken() == JsonToken.VALUE_STRING) {
      return json.getText();
    }
    json.skipChildren();
    return "";
  }

  private void pod(JsonParser json) throws IOException {
    Pod pod = new Pod();
    object(
        json,
        field -> {
          switch (field) {
            case "metadata" -> metadata(json, pod);
            case "status" -> status(json, pod);
            default -> json.skipChildren();
          }
        });
    if (pods.size() == Answer.MAX_PODS) {
      throw new JsonParseException(json, "a list of more than " + Answer.MAX_PODS + " pods");
    }
    String kind = pod.ownerKind;
    Owner owner =
        kind == null
            ? null
            : Owner.behind(
                kind, pod.ownerName, pod.labels, Instant.ofEpochSecond(0, pod.createdNanos));
    PodIdentity named =
        facts.pod(
            pod.uid, pod.namespace, pod.name, pod.labels, pod.annotations, owner, pod.createdNanos);
    if (named == null) {
      return;
    }
    pods.add(named);
    for (Status s : pod.statuses) {
      add(json, named, s);
    }
  }

  private void add(JsonParser json, PodIdentity pod, Status s) throws IOException {
    String name = PodFacts.clean(s.name);
    for (String id : s.ids) {
      if (name.isEmpty() || id.isEmpty()) {
        continue;
      }
      if (containers.size() == Answer.MAX_CONTAINERS) {
        throw new JsonParseException(json, "more than " + Answer.MAX_CONTAINERS + " containers");
      }
      // The first id is the one that runs; an earlier one is older than it.
      long created = id.equals(s.ids.getFirst()) ? s.startedNanos : pod.createdNanos();
      containers.add(
          new ContainerIdentity(
              id, pod.uid(), name, LabelValue.clean(s.image, MOST_IMAGE), created));
    }
  }

  private void metadata(JsonParser json, Pod pod) throws IOException {
    object(
        json,
        field -> {
          switch (field) {
            case "uid" -> pod.uid = text(json);
            case "namespace" -> pod.namespace = text(json);
            case "name" -> pod.name = text(json);
            case "creationTimestamp" -> pod.createdNanos = nanos(text(json));
            case "labels" -> strings(json, pod.labels, facts::usesLabel);
            case "annotations" -> strings(json, pod.annotations, PodFacts::usesAnnotation);
            case "ownerReferences" -> array(json, _ -> owner(json, pod));
            default -> json.skipChildren();
          }
        });
  }

  private static void strings(
      JsonParser json, Map<String, String> into, java.util.function.Predicate<String> used)
      throws IOException {
    object(
        json,
        name -> {
          if (used.test(name) && into.size() < MOST_LABELS) {
            into.put(name, text(json));
          } else {
            json.skipChildren();
          }
        });
  }

  private static void owner(JsonParser json, Pod pod) throws IOException {
    String[] seen = {"", "", ""};
    object(
        json,
        field -> {
          switch (field) {
            case "kind" -> seen[0] = text(json);
            case "name" -> seen[1] = text(json);
            case "controller" -> seen[2] = json.currentToken() == JsonToken.VALUE_TRUE ? "yes" : "";
            default -> json.skipChildren();
          }
        });
    // A pod has at most one controller; owners that are none only take part in its removal.
    if (!seen[2].isEmpty() && pod.ownerKind == null) {
      pod.ownerKind = seen[0];
      pod.ownerName = seen[1];
    }
  }

  private static void status(JsonParser json, Pod pod) throws IOException {
    object(
        json,
        field -> {
          switch (field) {
            case "containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses" ->
                array(json, _ -> container(json, pod));
            default -> json.skipChildren();
          }
        });
  }

  private static void container(JsonParser json, Pod pod) throws IOException {
    Status s = new Status();
    object(
        json,
        field -> {
          switch (field) {
            case "name" -> s.name = text(json);
            case "image" -> s.image = text(json);
            case "containerID" -> s.ids.addFirst(id(text(json)));
            case "state", "lastState" -> state(json, s);
            default -> json.skipChildren();
          }
        });
    if (pod.statuses.size() < MOST_STATUSES) {
      pod.statuses.add(s);
    }
  }

  /** {@code running: {startedAt}} or {@code terminated: {containerID, startedAt}}. */
  private static void state(JsonParser json, Status s) throws IOException {
    object(
        json,
        _ ->
            object(
                json,
                field -> {
                  switch (field) {
                    case "startedAt" ->
                        s.startedNanos = Math.max(s.startedNanos, nanos(text(json)));
                    case "containerID" -> {
                      String id = id(text(json));
                      if (!s.ids.contains(id)) {
                        s.ids.addLast(id);
                      }
                    }
                    default -> json.skipChildren();
                  }
                }));
  }

  /** {@code containerd://<id>}: the id. */
  private static String id(String url) {
    return PodFacts.clean(url.substring(url.indexOf("://") + 1).replaceFirst("^//", ""));
  }

  private static long nanos(String rfc3339) {
    try {
      Instant at = Instant.parse(rfc3339);
      return Math.addExact(Math.multiplyExact(at.getEpochSecond(), 1_000_000_000L), at.getNano());
    } catch (DateTimeException | ArithmeticException e) {
      return 0;
    }
  }
}
