package dev.sonde.agent.config;

/** Where an option may be set, from the weakest to the strongest; a default is always there. */
public enum Place {
  FILE,
  ENVIRONMENT,
  FLAG
}
