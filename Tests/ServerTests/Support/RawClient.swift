import Foundation
@testable import HTTP
@testable import Hub

/// Speaks raw bytes over TLS to a gateway, by `openssl s_client`.
enum RawClient {
    /// Sends `text` and returns all that comes until the gateway closes. So the last request has to ask for that.
    static func talk(port: UInt16, _ text: String) async throws -> String {
        let authority = try TestCertificates.shared.get().authority
        return try await withCheckedThrowingContinuation { continuation in
            // Not on a thread of Swift's pool: there are few, and this one waits.
            startThread {
                continuation.resume(with: Result { try converse(port, Array(text.utf8), authority) })
            }
        }
    }

    private static func converse(_ port: UInt16, _ bytes: [UInt8], _ authority: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", authority, "-servername", "localhost",
            "-connect", "127.0.0.1:\(port)",
        ]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(bytes))
        let answer = output.fileHandleForReading.readDataToEndOfFile()
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
        return String(decoding: answer, as: UTF8.self)
    }
}
