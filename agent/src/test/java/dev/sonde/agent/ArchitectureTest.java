package dev.sonde.agent;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * The edges between modules: the agent knows the other three, and those know nothing of ours. The
 * class path of the agent holds them all, so that its tests are where every edge can be seen.
 */
class ArchitectureTest {
  private static final String AGENT = "dev.sonde.agent..";
  private static final String EXPORTER = "dev.sonde.exporter..";
  private static final String FFI = "dev.sonde.ffi..";
  private static final String BPF = "dev.sonde.bpf..";

  /** Generated from observer.proto. */
  private static final String PROTOCOL = "dev.sonde.v1..";

  private static final JavaClasses OURS =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.sonde");

  private static final Map<String, List<String>> POM_EDGES =
      Map.of(
          "agent", List.of("exporter", "ffi-bindings", "bpf-programs"),
          "exporter", List.of(),
          "ffi-bindings", List.of(),
          "bpf-programs", List.of());

  private static void check(ArchRule rule) {
    rule.check(OURS);
  }

  @Test
  void everyModuleIsSeen() {
    for (String module : List.of(AGENT, EXPORTER, FFI, BPF)) {
      assertThat(OURS.stream().filter(resideInAPackage(module))).as(module).isNotEmpty();
    }
  }

  @Test
  void noClassIsOutsideTheModules() {
    check(
        classes()
            .that()
            .resideInAPackage("dev.sonde..")
            .should()
            .resideInAnyPackage(AGENT, EXPORTER, FFI, BPF, PROTOCOL));
  }

  @Test
  void theExporterKnowsNothingOfKernelOrAgent() {
    check(
        noClasses()
            .that()
            .resideInAnyPackage(EXPORTER, PROTOCOL)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(AGENT, FFI, BPF));
  }

  @Test
  void theBindingsKnowNothingOfExporterOrAgent() {
    check(
        noClasses()
            .that()
            .resideInAPackage(FFI)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(AGENT, EXPORTER, PROTOCOL, BPF));
  }

  @Test
  void theObjectsKnowNobody() {
    check(
        noClasses()
            .that()
            .resideInAPackage(BPF)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(AGENT, EXPORTER, PROTOCOL, FFI));
  }

  @Test
  void theModelDependsOnNothingOfOurs() {
    check(
        classes()
            .that()
            .resideInAPackage("dev.sonde.exporter.model..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("dev.sonde.exporter.model..", "java..", "org.jspecify.."));
  }

  @Test
  void onlyTheInnermostPackageCallsForeignFunctions() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage("dev.sonde.ffi.internal")
            .should()
            .dependOnClassesThat()
            .haveNameMatching("java\\.lang\\.foreign\\.(Linker|SymbolLookup)(\\$.*)?"));
  }

  @Test
  void nobodyOutsideTheBindingsNamesTheirInside() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage(FFI)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.sonde.ffi.internal.."));
  }

  /** The data flows one way: probes fill the pipeline, which knows none of them. */
  @Test
  void thePipelineKnowsNoProbe() {
    check(
        noClasses()
            .that()
            .resideInAPackage("dev.sonde.agent.pipeline..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                "dev.sonde.agent.probe..", "dev.sonde.agent.runtime..", "dev.sonde.agent.cli.."));
  }

  @Test
  void thePomsHaveTheSameEdges() throws Exception {
    String root = System.getProperty("sonde.root", "..");
    for (Map.Entry<String, List<String>> module : POM_EDGES.entrySet()) {
      assertThat(dependenciesOnOurs(Path.of(root, module.getKey(), "pom.xml")))
          .as("dev.sonde dependencies in %s/pom.xml", module.getKey())
          .containsExactlyInAnyOrderElementsOf(module.getValue());
    }
  }

  /** Another module's tests (type test-jar) are the same edge again. */
  private static Set<String> dependenciesOnOurs(Path pom) throws Exception {
    Document document =
        DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(pom.toFile());
    Set<String> found = new TreeSet<>();
    NodeList dependencies = document.getElementsByTagName("dependency");
    for (int i = 0; i < dependencies.getLength(); i++) {
      Element dependency = (Element) dependencies.item(i);
      if (text(dependency, "groupId").equals("dev.sonde")) {
        found.add(text(dependency, "artifactId"));
      }
    }
    return found;
  }

  private static String text(Element parent, String name) {
    return parent.getElementsByTagName(name).item(0).getTextContent().trim();
  }
}
