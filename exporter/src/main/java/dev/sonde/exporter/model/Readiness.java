package dev.sonde.exporter.model;

/** Whether the agent can answer a scrape with live kernel data. */
public sealed interface Readiness {
  record Ready() implements Readiness {}

  /**
   * @param reason what is missing and since when, in words for an operator
   */
  record NotReady(String reason) implements Readiness {}
}
