# Hands one lead over from Ruby 2.7 or newer; no gem needed.
require "json"
require "net/http"

# Sends the same lead until it is answered: a lead that arrives twice is kept once.
def hand_over(lead, tries: 8)
  address = URI("#{ENV.fetch("LEADS_ADDRESS")}/v1/leads")
  headers = {
    "Authorization" => "Bearer #{ENV.fetch("LEADS_KEY")}",
    "Content-Type" => "application/json"
  }
  (1..tries).each do |tried|
    answer = begin
      Net::HTTP.post(address, JSON.generate(lead), headers)
    rescue SystemCallError, IOError, Timeout::Error, SocketError => away
      raise if tried == tries
      away
    end
    return JSON.parse(answer.body) if answer.is_a?(Net::HTTPSuccess)

    status = answer.is_a?(Net::HTTPResponse) ? answer.code.to_i : 503
    passes = [408, 429].include?(status) || status >= 500
    raise answer.body if !passes || tried == tries

    asked = answer.is_a?(Net::HTTPResponse) ? answer["Retry-After"].to_f : 0
    sleep(asked.positive? ? asked : [0.25 * 2**tried, 10].min)
  end
end

kept = hand_over(JSON.parse(File.read("lead.json")))
puts "#{kept["event_id"]} is kept"
