/**
 * What everyone outside the agent may know: immutable snapshots of every series, and events.
 *
 * <p>The agent's pipeline builds these values; the exporters render them. Nothing here knows of
 * BPF, HTTP or protobuf, and nothing here changes after it was made.
 */
package dev.sonde.exporter.model;
