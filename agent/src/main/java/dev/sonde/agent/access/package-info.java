/**
 * The files behind {@code --token-file} and {@code --tls-*}: read at start, and again as they
 * rotate. What they mean is the exporter's business.
 */
package dev.sonde.agent.access;
