-- The service's name leads to this machine, so that a TLS client asks for the service's certificate.
local resolve = wrk.resolve
function wrk.resolve(host, service)
   resolve("127.0.0.1", service)
end

-- What wrk says at its end in a form that is read by a program. Latencies are in microseconds.
function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format('{"Requests":%d,"Microseconds":%d,"Bytes":%d,"P50":%d,"P99":%d,"Failed":%d}\n',
      summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
      e.connect + e.read + e.write + e.status + e.timeout))
end
