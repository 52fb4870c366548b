-- Orthanc sends every film that it receives on to the node, which is `cxr-tf` among its
-- DicomModalities. Results that come back are not sent on. What could not be sent (the node was
-- down) is sent again as soon as another film gets through; Orthanc forgets the list when it ends.

local waiting = {}

local function send(instances)
   local body = {}
   body['Resources'] = instances
   body['Asynchronous'] = true
   RestApiPost('/modalities/cxr-tf/store', DumpJson(body, true))
end

function OnStoredInstance(instanceId, tags, metadata, origin)
   local film = tags['Modality'] == 'CR' or tags['Modality'] == 'DX'
   if film and tags['Manufacturer'] ~= 'cxr-tf' then
      send({ instanceId })
   end
end

local function instancesOf(jobId)
   local job = ParseJson(RestApiGet('/jobs/' .. jobId))
   if job['Type'] ~= 'DicomModalityStore' then
      return {}
   end
   return job['Content']['ParentResources'] or {}
end

function OnJobFailure(jobId)
   for _, instance in ipairs(instancesOf(jobId)) do
      waiting[instance] = true
   end
end

function OnJobSuccess(jobId)
   if #instancesOf(jobId) > 0 then
      local again = waiting
      waiting = {}
      for instance, _ in pairs(again) do
         send({ instance })
      end
   end
end
