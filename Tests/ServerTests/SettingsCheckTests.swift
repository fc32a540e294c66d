@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct SettingsCheckTests {
    @Test(
        "Beyond loopback the gateway does not start before access is chosen",
        arguments: [":8080", "0.0.0.0:8080", "[::]:8080", "192.168.1.5:8080"])
    func access(listen: String) throws {
        let problems = SettingsCase(arguments: ["--listen", listen]).problems
        #expect(problems.count == 1)
        #expect(problems.first?.contains("set access to keys") == true)
        for access in Access.allCases {
            let chosen = try SettingsCase(arguments: ["--listen", listen, "--access", access.rawValue]).settings()
            #expect(chosen.access == access)
        }
    }

    @Test("On loopback access is open", arguments: ["8080", "127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1"])
    func loopback(listen: String) throws {
        #expect(try SettingsCase(arguments: ["--listen", listen]).settings().access == .open)
    }

    @Test("A certificate and its key are given together")
    func pair() throws {
        #expect(
            SettingsCase(arguments: ["--tls-cert=a"]).problems
                == ["flag --tls-cert: tls_cert: is given without tls_key; give both"])
        #expect(
            SettingsCase(files: ["config/hubgate.yaml": "tls_key: b"]).problems
                == ["config/hubgate.yaml:1: tls_key: is given without tls_cert; give both"])
        let settings = try SettingsCase(arguments: ["--tls-cert=a", "--tls-key=b"]).settings()
        #expect(settings.tlsCertificate == "a")
        #expect(settings.tlsKey == "b")
    }

    @Test(
        "The default certificate is at the root only where there is none in certs/",
        arguments: [
            ([], "certs/"), (["certs/cert.pem"], "certs/"), (["/certs/cert.pem"], "/certs/"),
            (["certs/cert.pem", "/certs/cert.pem"], "certs/"),
        ])
    func defaultPair(present: [String], folder: String) throws {
        let files = Dictionary(uniqueKeysWithValues: present.map { ($0, "PEM") })
        let settings = try SettingsCase(files: files).settings()
        #expect(settings.tlsCertificate == folder + "cert.pem")
        #expect(settings.tlsKey == folder + "key.pem")
    }

    @Test("A plaintext upstream is for loopback, or for who says so")
    func plaintext() throws {
        #expect(
            SettingsCase(arguments: ["--upstream=http://hub.internal"]).problems.first?.contains("in clear") == true)
        let settings = try SettingsCase(arguments: ["--upstream=http://hub.internal", "--upstream-plaintext"])
            .settings()
        #expect(settings.upstream.port == 80)
    }

    @Test("The gateway is not its own upstream", arguments: ["https://127.0.0.1:8080", "https://localhost:8080"])
    func loop(upstream: String) {
        #expect(SettingsCase(environment: ["HF_ENDPOINT": upstream]).problems.first?.contains("itself") == true)
    }

    @Test(
        "Another Hub's token does not go to huggingface.co's router unless somebody says so",
        arguments: [
            ([], "https://router.huggingface.co"),
            (["--upstream=https://huggingface.co/hf"], "https://router.huggingface.co"),
            (["--upstream=https://hub.internal"], nil),
            (
                ["--upstream=https://hub.internal", "--inference-upstream=https://router.internal"],
                "https://router.internal"
            ),
            (["--inference-upstream=https://router.internal/v"], "https://router.internal/v"),
        ])
    func inference(arguments: [String], router: String?) throws {
        #expect(try SettingsCase(arguments: arguments).settings().inferenceUpstream?.description == router)
    }

    @Test(
        "The router's address is looked at like the Hub's",
        arguments: [
            ("http://router.internal", "in clear"), ("https://localhost:8080", "itself"), ("router", "not a URL"),
        ])
    func badInference(address: String, words: String) {
        let problems = SettingsCase(arguments: ["--inference-upstream", address]).problems
        #expect(problems.count == 1 && problems.first?.contains(words) == true)
        #expect(problems.first?.hasPrefix("flag --inference-upstream: inference_upstream") == true)
    }

    @Test(
        "Who pays is a name",
        arguments: [("acme", true), ("a/b", false), ("", false), ("a b", false), ("a\r\nX: y", false)])
    func bill(name: String, isGood: Bool) {
        #expect(SettingsCase(arguments: ["--bill-to", name]).problems.isEmpty == isGood)
    }

    @Test("A target fits into a head")
    func heads() {
        #expect(
            SettingsCase(arguments: ["--head-limit=4KiB"]).problems
                == [
                    "flag --head-limit: head_limit: target_limit (8KiB) is larger than head_limit (4KiB), "
                        + "which has to hold it"
                ])
        #expect(
            SettingsCase(arguments: ["--target-limit=1MiB"]).problems.first?.hasPrefix("flag --target-limit") == true)
    }

    @Test("A token file gives the token, without its line end", arguments: ["hf_abc", "hf_abc\n", "hf_abc\r\n"])
    func tokenFile(content: String) throws {
        let given = SettingsCase(arguments: ["--token-file", "t"], files: ["t": content])
        #expect(try given.settings().token?.reveal() == "hf_abc")
    }

    @Test(
        "A token file without a token is an error",
        arguments: [
            ("", "is empty"), ("\n", "is empty"), ("a b", "at position 2"), ("a\nb", "at position 2"),
            ("\u{e9}", "at position 1"),
        ])
    func badTokenFile(content: String, reason: String) {
        let problems = SettingsCase(arguments: ["--token-file", "t"], files: ["t": content]).problems
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("flag --token-file: token_file: the token in t ") == true)
        #expect(problems.first?.contains(reason) == true)
    }

    @Test("A token file that is not there is an error")
    func missingTokenFile() {
        #expect(
            SettingsCase(environment: ["HUBGATE_TOKEN_FILE": "gone"]).problems
                == ["environment variable HUBGATE_TOKEN_FILE: token_file: there is no file gone"])
    }

    @Test("Of token and token_file the one from the stronger place counts; in one place they exclude each other")
    func tokens() throws {
        let files = ["t": "from-file", "config/hubgate.yaml": "token_file: t"]
        let strongerToken = SettingsCase(environment: ["HF_TOKEN": "from-env"], files: files)
        #expect(try strongerToken.settings().token?.reveal() == "from-env")
        let strongerFile = SettingsCase(
            arguments: ["--token-file=t"], environment: ["HF_TOKEN": "from-env"], files: files)
        #expect(try strongerFile.settings().token?.reveal() == "from-file")
        let both = SettingsCase(environment: ["HF_TOKEN": "from-env", "HUBGATE_TOKEN_FILE": "t"], files: files)
        #expect(both.problems.first?.contains("token is given too (environment variable HF_TOKEN)") == true)
    }
}
