/**
 * The command line: {@link dev.sonde.agent.cli.Sonde} is the main class, one class per command.
 *
 * <p>picocli parses and prints the help; its model is made from the table of {@link
 * dev.sonde.agent.config.Options}, not from annotations. What the commands need from the agent
 * stands in {@link dev.sonde.agent.cli.Backend}.
 */
package dev.sonde.agent.cli;
