package org.apache.iceberg.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.iceberg.inmemory.InMemoryCatalog;
import org.apache.iceberg.rest.credentials.ImmutableCredential;
import org.apache.iceberg.rest.responses.LoadTableResponse;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;

/**
 * Iceberg's own REST catalog, of its tests, that vends credentials with each table that it loads.
 *
 * <p>Arguments: port on loopback, warehouse. Tables of the namespace "config" get credentials in their configuration, as
 * older catalogs give them; all others in storage-credentials, the first for a longer and the second for a shorter prefix
 * than that of the table. The property "vend" of a table is the URL that is asked for them, anew each time.
 */
public class VendingCatalog {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  static class Adapter extends RESTCatalogAdapter {
    Adapter(InMemoryCatalog catalog) {
      super(catalog);
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T extends RESTResponse> T handleRequest(
        Route route, Map<String, String> vars, HTTPRequest request, Class<T> type, Consumer<Map<String, String>> headers) {
      T answer = super.handleRequest(route, vars, request, type, headers);
      if (!(answer instanceof LoadTableResponse table)) {
        return answer;
      }
      String vend = table.tableMetadata().property("vend", null);
      boolean asked = request.headers().entries("X-Iceberg-Access-Delegation").stream()
          .anyMatch(header -> header.value().contains("vended-credentials"));
      if (vend == null || !asked) {
        return answer;
      }
      Map<String, String> keys = vended(vend);
      LoadTableResponse.Builder made =
          LoadTableResponse.builder().withTableMetadata(table.tableMetadata()).addAllConfig(table.config());
      if ("config".equals(vars.get("namespace"))) {
        return (T) made.addAllConfig(keys).build();
      }
      String location = table.tableMetadata().location();
      Map<String, String> wrong =
          Map.of("s3.access-key-id", "WRONG", "s3.secret-access-key", "wrong", "s3.session-token", "wrong");
      return (T)
          made.addCredential(ImmutableCredential.builder().prefix(location + "/elsewhere").config(wrong).build())
              .addCredential(ImmutableCredential.builder().prefix("s3://").config(wrong).build())
              .addCredential(ImmutableCredential.builder().prefix(location).config(keys).build())
              .build();
    }
  }

  private static Map<String, String> vended(String url) {
    try {
      HttpRequest question =
          HttpRequest.newBuilder(URI.create(url)).POST(HttpRequest.BodyPublishers.noBody()).build();
      JsonNode told = JSON.readTree(HTTP.send(question, HttpResponse.BodyHandlers.ofString()).body());
      return Map.of(
          "s3.access-key-id", told.get("access_key_id").asText(),
          "s3.secret-access-key", told.get("secret_access_key").asText(),
          "s3.session-token", told.get("session_token").asText(),
          "s3.session-token-expires-at-ms", told.get("expires_at_millis").asText());
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  public static void main(String[] arguments) throws Exception {
    InMemoryCatalog catalog = new InMemoryCatalog();
    catalog.initialize("tests", Map.of("warehouse", arguments[1]));
    ServletContextHandler context = new ServletContextHandler();
    context.addServlet(new ServletHolder(new RESTCatalogServlet(new Adapter(catalog))), "/*");
    Server server = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
    server.setHandler(context);
    server.start();
    server.join();
  }
}
