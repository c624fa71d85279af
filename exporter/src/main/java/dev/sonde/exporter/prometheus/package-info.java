/**
 * Snapshots as Prometheus exposition: text by a renderer of our own, OpenMetrics and protobuf by
 * the official library.
 *
 * <p>Start at {@link dev.sonde.exporter.prometheus.Exposition}. Nothing here knows of HTTP.
 */
package dev.sonde.exporter.prometheus;
