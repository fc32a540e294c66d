@testable import HTTP
@testable import Hub

/// Reads Prometheus' text format as strictly as its specification is: what is lenient there is an error here.
struct PrometheusPage {
    struct Sample: Hashable {
        let name: String
        let labels: [String: String]
    }

    struct Family {
        let name: String
        let help: String
        let type: String
        var samples: [(sample: Sample, value: Double)] = []
    }

    struct Broken: Error {
        let line: String
    }

    private(set) var families: [Family] = []
    private(set) var values: [Sample: Double] = [:]

    init(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasSuffix("\n") else { throw Broken(line: "the end") }
        var help: (name: String, text: String)?
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            if let match = line.wholeMatch(of: /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)/) {
                guard help == nil, !families.contains(where: { $0.name == match.1 }) else {
                    throw Broken(line: "\(line)")
                }
                help = (String(match.1), String(match.2))
            } else if let match = line.wholeMatch(of: /# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)/) {
                guard let known = help, known.name == match.1 else { throw Broken(line: "\(line)") }
                families.append(Family(name: known.name, help: known.text, type: String(match.2)))
                help = nil
            } else {
                guard help == nil else { throw Broken(line: "\(line)") }
                try addSample(line)
            }
        }
    }

    subscript(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        values[Sample(name: name, labels: labels)]
    }

    private mutating func addSample(_ line: Substring) throws {
        guard let match = line.wholeMatch(of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.+)\})? ([0-9]+(?:\.[0-9]+)?)/),
            let value = Double(match.3), let family = families.last
        else { throw Broken(line: "\(line)") }
        let suffixes = family.type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        let sample = Sample(name: String(match.1), labels: try Self.labels(match.2 ?? "", of: line))
        guard suffixes.contains(where: { family.name + $0 == sample.name }), values[sample] == nil else {
            throw Broken(line: "\(line)")
        }
        values[sample] = value
        families[families.count - 1].samples.append((sample, value))
    }

    private static func labels(_ text: Substring, of line: Substring) throws -> [String: String] {
        var labels: [String: String] = [:]
        var rest = text
        while !rest.isEmpty {
            guard let match = rest.prefixMatch(of: /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,(?=.)|$)/),
                labels.updateValue(String(match.2), forKey: String(match.1)) == nil
            else { throw Broken(line: "\(line)") }
            rest = rest[match.range.upperBound...]
        }
        return labels
    }
}
