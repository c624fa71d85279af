# SPDX-License-Identifier: Apache-2.0
# docker build -t sonde:0.1.0 .
#
# Three stages: a JDK 25 compiles the agent and cuts a run-time of just the modules it uses; the base
# gets libbpf and nothing else; the last one carries both and the AOT cache that was trained in it.
# Nothing is unpacked or written at run time: the root may be read-only and /tmp absent.
#
#   --build-arg JDK=IMAGE       where a JDK 25 and a shell are (JAVA_HOME set), for compiling
#   --build-arg BASE=IMAGE      a Debian or Ubuntu with apt and glibc 2.36 or later
#   --build-arg PREBUILT=yes    take agent/target of this folder (make build) instead of compiling
#
# How to build it without a registry: tools/image.

ARG JDK=docker.io/library/eclipse-temurin:25-jdk
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${JDK} AS build
ARG PREBUILT=no
WORKDIR /src
COPY . .
# The tests need a kernel that lets them load BPF: they run by `make test`, not here.
RUN [ "$PREBUILT" = yes ] || { rm -rf agent/target && ./mvnw -B -ntp -q package -DskipTests; }
# Modules named one by one: jdeps would add java.desktop and java.sql, which JNA and gson mention
# and the agent never reaches, and which double the size. java.net.http and jdk.crypto.ec: the
# kubelet's /pods, and TLS. Not compressed here: the layer is, and classes are then read faster.
# By JAVA_HOME, since a build that keeps a cache for ENV PATH may find an older jlink first.
RUN "$JAVA_HOME/bin/jlink" --add-modules java.logging,java.management,java.naming,java.net.http,jdk.crypto.ec,jdk.management,jdk.unsupported \
      --strip-java-debug-attributes --no-header-files --no-man-pages --output /image/runtime \
 && mkdir -p /image/tools /image/LICENSES \
 && cp -a agent/target/lib agent/target/sonde.jar sonde LICENSE NOTICE /image/ \
 && cp -a tools/find-java.sh tools/aot-cache /image/tools/ \
 && cp -a bpf-programs/LICENSES/. /image/LICENSES/ \
 && JAR="$JAVA_HOME/bin/jar" tools/image-files /image

FROM ${BASE} AS base
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libbpf1 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*.log /var/log/apt /var/cache/ldconfig/aux-cache

FROM base
LABEL org.opencontainers.image.title="Sonde" \
      org.opencontainers.image.description="Where does each pod's time go? TCP, scheduler, GC, by eBPF" \
      org.opencontainers.image.licenses="Apache-2.0 AND (GPL-2.0-only OR BSD-2-Clause)"
ENV JAVA_HOME=/opt/sonde/runtime
WORKDIR /opt/sonde
COPY --from=build /image/ ./
# What Debian's part of this image is licensed under stands in /usr/share/doc/*/copyright.
RUN { echo; echo "Debian packages of this image (licences: /usr/share/doc/NAME/copyright)"; echo; \
      dpkg-query -W -f='  ${Package} ${Version}\n'; } >> THIRD-PARTY.txt \
 && ln -s /opt/sonde/sonde /usr/local/bin/sonde
# The AOT cache belongs to this run-time and these paths, so it is made here. A build may not load
# BPF: an agent without probes serves its own metrics in every format. Without a cache the agent
# starts slower, and that is all.
RUN tools/aot-cache ./sonde sonde.aot || true; ls -l sonde.aot || true
EXPOSE 9520 9521
ENTRYPOINT ["/opt/sonde/sonde"]
CMD ["agent"]
