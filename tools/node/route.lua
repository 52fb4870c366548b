-- Orthanc sends every film that it receives on to the node `cxr-tf` (of its DicomModalities), and
-- tries again for as long as it takes. Results that come back are not sent on.
function OnStoredInstance(instanceId, tags, metadata, origin)
   if tags['Manufacturer'] ~= 'cxr-tf' and (tags['Modality'] == 'CR' or tags['Modality'] == 'DX') then
      local body = {}
      body['Resources'] = { instanceId }
      body['Asynchronous'] = true
      RestApiPost('/modalities/cxr-tf/store', DumpJson(body, true))
   end
end
