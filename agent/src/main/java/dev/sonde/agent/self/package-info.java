/** The agent's own series: what it costs and how it does. */
package dev.sonde.agent.self;
