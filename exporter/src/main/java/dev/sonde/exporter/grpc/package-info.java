/**
 * The gRPC server: {@code sonde.v1.Observer}, health and reflection.
 *
 * <p>{@link dev.sonde.exporter.grpc.GrpcFrontend} is the way in. A call walks: {@code
 * ConnectionCap} (how many clients) and {@code ClientConnection} (does this one read), {@code
 * CallBudget} (how many large answers and watches), {@code ObserverService}; then {@code Selector}
 * and {@code QueryAnswer}, or {@code EventFilter} and {@code EventWatch}. {@code Messages} is the
 * only place that turns the model into messages.
 */
package dev.sonde.exporter.grpc;
