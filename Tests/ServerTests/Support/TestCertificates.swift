import Foundation
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// Certificates made once a run by the openssl command, in a directory that goes when the process ends.
struct TestCertificates: Sendable {
    static let shared = Result { try TestCertificates() }

    private let directory: String

    var authority: String { file("ca.pem") }
    /// For localhost and 127.0.0.1, signed by `authority`.
    var leaf: String { file("leaf.pem") }
    var leafKey: String { file("leaf.key") }
    /// The leaf's key, but locked with a passphrase.
    var lockedKey: String { file("locked.key") }
    /// No certificate's key.
    var foreignKey: String { file("foreign.key") }
    var expired: String { file("expired.pem") }
    var future: String { file("future.pem") }
    /// Neither a certificate nor a key.
    var noise: String { file("noise.pem") }
    var missing: String { file("missing.pem") }

    func file(_ name: String) -> String { "\(directory)/\(name)" }

    private init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "hubgate-tests-\(getpid())")
        directory = url.path()
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        atexit {
            let url = FileManager.default.temporaryDirectory.appending(path: "hubgate-tests-\(getpid())")
            try? FileManager.default.removeItem(at: url)
        }
        try Data("This is no PEM.\n".utf8).write(to: url.appending(path: "noise.pem"))
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        try openssl(
            [
                "req", "-x509", "-subj", "/CN=hubgate test authority", "-days", "2", "-keyout", "ca.key", "-out",
                "ca.pem",
            ]
                + key)
        try openssl(
            [
                "req", "-x509", "-subj", "/CN=localhost", "-days", "2", "-addext", names, "-CA", "ca.pem", "-CAkey",
                "ca.key", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "leaf.key", "-out", "leaf.pem",
            ] + key)
        try openssl(["ec", "-in", "leaf.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key"])
        try openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "foreign.key"])
        // `openssl req` of OpenSSL 3.0 cannot set the dates of a certificate; `openssl ca` can.
        try Data().write(to: url.appending(path: "index.txt"))
        let configuration = """
            [ca]
            default_ca = test
            [test]
            dir = \(directory)
            database = $dir/index.txt
            new_certs_dir = $dir
            rand_serial = yes
            default_md = sha256
            policy = any
            unique_subject = no
            [any]
            commonName = supplied
            """
        try Data((configuration + "\n").utf8).write(to: url.appending(path: "ca.cnf"))
        try openssl(["req", "-new", "-subj", "/CN=localhost", "-key", "leaf.key", "-out", "leaf.csr"])
        for (name, start, end) in [
            ("expired.pem", "20200101000000Z", "20200201000000Z"), ("future.pem", "20900101000000Z", "20910101000000Z"),
        ] {
            try openssl([
                "ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", "leaf.csr",
                "-notext",
                "-startdate", start, "-enddate", end, "-out", name,
            ])
        }
    }

    private func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = URL(filePath: directory)
        let output = Pipe()
        process.standardError = output
        process.standardOutput = output
        try process.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw OpenSSLFailed(arguments: arguments, output: String(decoding: said, as: UTF8.self))
        }
    }

    struct OpenSSLFailed: Error {
        let arguments: [String]
        let output: String
    }
}
