#!/bin/sh
# B11: CPU of a scrape at 1k, 10k and 100k series, Sonde's exporter against client_golang, over HTTP on loopback.
# Needs: apt install golang-go golang-github-prometheus-client-golang-dev, and a JDK 25 in JAVA_HOME.
# Usage: bench/scrape/run.sh [LINES...]
set -eu
cd "$(dirname "$0")/../.."
: "${JAVA_HOME:?set it to a JDK 25}"
out=bench/scrape/target
mkdir -p "$out/classes"

./mvnw -q -B -pl exporter compile dependency:build-classpath \
  -Dmdep.outputFile="$PWD/$out/classpath" -Dmdep.includeScope=runtime
classpath="$PWD/exporter/target/classes:$(cat "$out/classpath")"
"$JAVA_HOME/bin/javac" -d "$out/classes" -cp "$classpath" bench/scrape/sonde/ScrapeServer.java
# Debian's Go packages are sources under /usr/share/gocode, used without modules
for program in peer driver; do
  GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=-trimpath go build -o "$out/$program" "./bench/scrape/$program"
done

echo "client_golang: $(dpkg-query -W -f '${Version}' golang-github-prometheus-client-golang-dev), $(go version)"
echo "JVM: $("$JAVA_HOME/bin/java" -version 2>&1 | sed -n 2p)"
echo
echo "| series | lines | client_golang ms CPU | sonde ms CPU | ratio (least..greatest of 9 pairs) | first 10 scrapes, client_golang / sonde |"
echo "|---|---|---|---|---|---|"
[ $# -gt 0 ] || set -- 1000 10000 100000
for shape in counters mixed; do
  for lines in "$@"; do
    "$out/driver" "$shape" "$lines" "$out/peer" "$JAVA_HOME/bin/java" \
      -XX:+UseSerialGC -Xmx256m -XX:+UseCompactObjectHeaders \
      --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED \
      -cp "$PWD/$out/classes:$classpath" ScrapeServer
  done
done
