package dev.sonde.agent.workload.kubelet;

/** Lists of pods as a kubelet writes them: with everything that Sonde has no use for. */
final class PodLists {
  private PodLists() {}

  static String uid(int i) {
    return "%08x-9d0e-4c1f-8a77-0b5c6d7e8f90".formatted(i);
  }

  static String containerId(int i) {
    return "%064x".formatted(i);
  }

  static String sidecarId(int i) {
    return "f%063x".formatted(i);
  }

  static String of(int pods) {
    StringBuilder out =
        new StringBuilder("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[");
    for (int i = 0; i < pods; i++) {
      out.append(i == 0 ? "" : ",").append(pod(i));
    }
    return out.append("]}").toString();
  }

  static String pod(int i) {
    return """
    {"metadata":{"name":"web-7d4b9c6f5d-%1$05d","generateName":"web-7d4b9c6f5d-","namespace":"shop",
     "uid":"%2$s","resourceVersion":"8%1$d","creationTimestamp":"2026-03-01T12:00:05Z",
     "labels":{"app":"web","pod-template-hash":"7d4b9c6f5d","tier":"front"},
     "annotations":{"kubernetes.io/config.seen":"2026-03-01T12:00:05.1Z",
       "kubernetes.io/config.source":"api",
       "kubectl.kubernetes.io/last-applied-configuration":"%5$s"},
     "ownerReferences":[
       {"apiVersion":"v1","kind":"Lease","name":"x","uid":"1"},
       {"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-7d4b9c6f5d","uid":"9",
        "controller":true,"blockOwnerDeletion":true}],
     "managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1",
       "time":"2026-03-01T12:00:05Z","fieldsType":"FieldsV1",
       "fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:app":{},"f:uid":{}}}}}]},
     "spec":{"volumes":[{"name":"v","projected":{"sources":[{"serviceAccountToken":{}}]}}],
       "containers":[{"name":"nginx","image":"nginx:1.27","env":[{"name":"uid","value":"no"}]}],
       "nodeName":"n1","hostNetwork":true},
     "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],
       "hostIP":"10.0.0.7","podIP":"10.0.0.7","startTime":"2026-03-01T12:00:05Z",
       "initContainerStatuses":[{"name":"proxy","state":{"running":{"startedAt":"2026-03-01T12:00:06Z"}},
         "lastState":{},"ready":true,"restartCount":0,"image":"envoy:1","imageID":"sha256:1",
         "containerID":"containerd://%4$s"}],
       "containerStatuses":[{"name":"nginx","state":{"running":{"startedAt":"2026-03-01T12:00:09Z"}},
         "lastState":{"terminated":{"exitCode":1,"startedAt":"2026-03-01T12:00:07Z",
           "containerID":"containerd://e%6$063x"}},
         "ready":true,"restartCount":1,"image":"docker.io/library/nginx:1.27",
         "imageID":"sha256:2","containerID":"containerd://%3$s","started":true}],
       "qosClass":"Burstable"}}"""
        .formatted(i, uid(i), containerId(i), sidecarId(i), "x".repeat(2000), i);
  }
}
