package dev.sonde.agent.config;

import java.nio.file.Path;

/** Where a value came from. */
public sealed interface Origin {
  /** As {@code --print-config} shows it. */
  String text();

  /** Nobody set it. */
  record Default() implements Origin {
    @Override
    public String text() {
      return "default";
    }
  }

  /** The configuration file; line and column count from 1. */
  record File(Path file, int line, int column) implements Origin {
    @Override
    public String text() {
      return "file " + file + ":" + line + ":" + column;
    }
  }

  /** An environment variable. */
  record Environment(String variable) implements Origin {
    @Override
    public String text() {
      return "env " + variable;
    }
  }

  /** A flag, with its two dashes. */
  record Flag(String flag) implements Origin {
    @Override
    public String text() {
      return "flag " + flag;
    }
  }
}
