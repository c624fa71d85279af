/** The agent, wired together. */
package dev.sonde.agent;
