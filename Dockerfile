# SPDX-License-Identifier: Apache-2.0
# docker build -t sonde .
#
# Two stages: a JDK 25 builds the agent and cuts a run-time of just the modules it uses; Debian with
# libbpf carries both. The final stage runs nothing but the agent, as root with the capabilities
# that daemonset.yaml grants.

ARG JDK=docker.io/library/eclipse-temurin:25-jdk
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${JDK} AS build
WORKDIR /src
COPY . .
# The tests need a kernel that lets them load BPF: they run by `make test`, not here.
RUN --mount=type=cache,target=/root/.m2 ./mvnw -B -ntp -q package -DskipTests
# java.net.http and jdk.crypto.ec: the kubelet's /pods. Named one by one: jdeps would add java.desktop and java.sql, which JNA and gson mention and the
# agent never reaches, and which double the size.
RUN jlink --add-modules java.logging,java.management,java.naming,java.net.http,jdk.crypto.ec,jdk.management,jdk.unsupported \
      --strip-java-debug-attributes --no-header-files --no-man-pages --output /runtime

FROM ${BASE}
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libbpf1 \
 && rm -rf /var/lib/apt/lists/*
ENV JAVA_HOME=/opt/sonde/runtime
WORKDIR /opt/sonde
COPY --from=build /runtime runtime
COPY --from=build /src/agent/target/lib lib
COPY --from=build /src/agent/target/sonde.jar sonde.jar
COPY sonde LICENSE NOTICE ./
COPY tools/find-java.sh tools/find-java.sh
COPY bpf-programs/LICENSES LICENSES
# The AOT cache belongs to this run-time and these paths, so it is trained here. A build may not load
# BPF: `doctor` says so, and has by then loaded most of what the start needs.
RUN (SONDE_AOT_TRAIN=/opt/sonde/sonde.aot ./sonde doctor --json || true) >/dev/null 2>&1 \
 && rm -f sonde.aot.config && ln -s /opt/sonde/sonde /usr/local/bin/sonde
# The kubelet and Prometheus come from outside the container; elsewhere the default is loopback.
ENV SONDE_LISTEN=0.0.0.0:9520
EXPOSE 9520
ENTRYPOINT ["/opt/sonde/sonde"]
CMD ["agent"]
