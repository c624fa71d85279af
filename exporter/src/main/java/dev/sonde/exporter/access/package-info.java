/**
 * Who may read what the endpoints serve: TLS, bearer tokens, client certificates, and a count of
 * those who were turned away. Shared by HTTP and gRPC; knows neither.
 */
package dev.sonde.exporter.access;
